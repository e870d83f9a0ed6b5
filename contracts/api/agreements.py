"""TMF651 agreements: framework agreements with their terms; our own notes stay inside."""

from typing import Any

from django.db.models import Q

from contracts.models import Agreement
from kernel.models import User
from kernel.rest import filters, notices
from kernel.rest.filters import CHOICE, DAY, MOMENT, Filter
from kernel.rest.rendering import Json, Rendering, moment
from kernel.rest.resource import Api, Resource

STATES = {
    "draft": "inProcess", "negotiation": "inProcess", "in_review": "pendingUpdate", "approved": "approved",
    "rejected": "rejected", "signed": "signed", "active": "active", "expired": "expired", "terminated": "terminated",
}  # fmt: skip
TOLD = ("approved", "signed", "active", "expired", "terminated")  # what a customer sees of ours
BY_PEOPLE = {
    "POST": "an agreement is negotiated by people on its page.", "PATCH": "a signed agreement changes by an amendment.",
    "DELETE": "an agreement is part of the books.",
}  # fmt: skip


def _rows(user: User) -> Any:
    rows = Agreement.objects.visible_to(user)
    return rows.filter(state__in=TOLD) if "customer" in user.roles else rows


def numbered(key: str) -> Q:
    """A number with its version, such as AGR0000001-2. Raises ValueError."""
    number, _, version = key.rpartition("-")
    if not version.isascii() or not version.isdecimal() or len(version) > 6:
        raise ValueError(key)
    return Q(number=number, version=int(version))


def versioned(row: Any) -> str:
    """The id of one version."""
    return f"{row.number}-{row.version}"


def agreement(row: Any, page: Rendering) -> Json:
    """One version of an agreement."""
    terms = [
        {"id": str(one.pk), "description": f"{one.title}. {one.text}"[:4000]} for one in row.terms.all()
    ] if page.wants("agreementItem") else []  # fmt: skip
    offerings = [
        page.ref("productOffering", one.offering.key, one.offering.name)
        for one in (row.discounts.all() if page.wants("agreementItem") else ()) if one.offering
    ]  # fmt: skip
    return {
        "name": row.title, "agreementType": "framework", "version": str(row.version), "status": STATES[row.state],
        "description": row.title, "initialDate": moment(row.created_at),
        "agreementPeriod": {"startDateTime": moment(row.starts_on), "endDateTime": moment(row.ends_on)},
        "engagedParty": [page.ref("organization", row.account.number, row.account.name, role="customer")],
        "agreementItem": [{"termOrCondition": terms, "productOffering": offerings}],
        "characteristic": [
            {"name": "currency", "value": row.currency}, {"name": "termMonths", "value": row.term_months},
        ],
    }  # fmt: skip


def _ready(rows: Any, page: Rendering) -> Any:
    rows = rows.select_related("account")
    return rows.prefetch_related("terms", "discounts__offering") if page.wants("agreementItem") else rows


AGREEMENT = Resource(
    name="agreement", type="Agreement", rows=_rows, render=agreement, ready=_ready, id_of=versioned, find=numbered,
    refused=BY_PEOPLE, filters={
        "name": Filter("title"), "status": Filter("state", CHOICE, filters.words(STATES)),
        "version": Filter("version", filters.NUMBER), "initialDate": Filter("created_at", MOMENT),
        "agreementPeriod.startDateTime": Filter("starts_on", DAY),
        "agreementPeriod.endDateTime": Filter("ends_on", DAY), "engagedParty.id": Filter("account__number"),
        "engagedParty.name": Filter("account__name"),
    },
)  # fmt: skip
API = Api(
    "tmf651", "Agreements", "agreementManagement", (AGREEMENT,),
    absent={"agreementSpecification": "agreements are made of clauses, which are kept on their own pages."},
)  # fmt: skip
notices.announce("contracts.agreement", notices.Announced(
    "tmf651", "agreement", states=STATES, attribute="status", born=frozenset({"drafted", "amendment drafted"})
))  # fmt: skip

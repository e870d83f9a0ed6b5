"""TMF629 customers: every account in its role as a customer."""

from typing import Any

from crm.api import parties
from crm.models import Account
from kernel.models import User
from kernel.rest import notices
from kernel.rest.errors import ApiError
from kernel.rest.filters import MOMENT, Filter
from kernel.rest.rendering import Json, Rendering, moment
from kernel.rest.resource import Api, Change, Resource


def _rows(user: User) -> Any:
    return Account.objects.visible_to(user)


def customer(row: Account, page: Rendering) -> Json:
    """One customer. What we think of its credit is ours."""
    party = "individual" if row.kind == Account.Kind.CONSUMER else "organization"
    found: Json = {
        "name": row.name, "status": "active", "validFor": {"startDateTime": moment(row.created_at)},
        "engagedParty": page.ref(party, row.number, row.name),
        "characteristic": [
            {"name": "kind", "value": row.kind}, {"name": "segment", "value": row.segment},
            {"name": "currency", "value": row.currency},
        ],
    }  # fmt: skip
    if row.parent is not None:
        found["relatedParty"] = [page.ref("customer", row.parent.number, row.parent.name, role="parent")]
    if page.wants("account"):
        profiles = row.billing_profiles.all()
        found["account"] = [
            {"id": str(one.pk), "name": one.name, "description": one.currency, "@referredType": "BillingAccount"}
            for one in profiles
        ]
    if page.wants("contactMedium"):
        people = row.contacts.all()
        found["contactMedium"] = [medium for one in people for medium in parties.media(one.email, one.phone)]
    return found


def create(body: Json, user: User) -> int:
    """A customer for an organisation named here, or one that is known already."""
    engaged = body["engagedParty"]
    known = Account.objects.visible_to(user).filter(number=str(engaged["id"])).first()
    if known is not None:
        raise ApiError(409, f"{known.name} is a customer already: {known.number}.", [("$.engagedParty.id", "Known.")])
    return parties.create_organization({"tradingName": body.get("name") or engaged.get("name") or ""}, user)


def change(pk: int, asked: Change, user: User) -> None:
    """Its name."""
    parties.change_organization(pk, asked, user)


def _ready(rows: Any, page: Rendering) -> Any:
    rows = rows.select_related("parent")
    wanted = [
        name for name, shown in (("billing_profiles", "account"), ("contacts", "contactMedium")) if page.wants(shown)
    ]
    return rows.prefetch_related(*wanted)


CUSTOMER = Resource(
    name="customer", type="Customer", rows=_rows, render=customer, ready=_ready, create=create, change=change,
    path_of=parties.path_of, refused=parties.KEPT, filters={
        "name": Filter("name"), "engagedParty.id": Filter("number"), "engagedParty.name": Filter("name"),
        "validFor.startDateTime": Filter("created_at", MOMENT), "relatedParty.id": Filter("parent__number"),
        "contactMedium.characteristic.emailAddress": Filter("contacts__email", many=True),
    },
)  # fmt: skip
API = Api("tmf629", "Customers", "customerManagement", (CUSTOMER,))
notices.announce("crm.account", notices.Announced(
    "tmf629", "customer", born=frozenset({"opened"}), silent=frozenset({"merged into another", "told apart"})
))  # fmt: skip

"""TMF648 quotes: versions with their lines and prices; a draft is opened by another system, people make the offer."""

from typing import Any

from catalog.models import Offering
from cmdb.api import asking
from contracts import quoting
from contracts.api.agreements import numbered, versioned
from contracts.models import Quote, QuoteLine
from crm.models import Account, Site
from kernel.models import User
from kernel.refusal import NotPermitted
from kernel.rest import filters, notices
from kernel.rest.errors import ApiError
from kernel.rest.filters import CHOICE, DAY, MOMENT, NUMBER, Filter
from kernel.rest.rendering import Flat, Json, Rendering, characteristics, moment, nested, price
from kernel.rest.resource import Api, Resource

STATES = {
    "draft": "inProgress", "in_review": "pending", "approved": "approved", "presented": "approved",
    "accepted": "accepted", "completed": "accepted", "rejected": "rejected", "declined": "rejected",
    "superseded": "cancelled", "expired": "cancelled", "cancelled": "cancelled",
}  # fmt: skip
TOLD = ("presented", "accepted", "completed", "declined", "expired")  # what a customer sees of ours
BY_PEOPLE = {
    "PATCH": "a quote is worked on by people on its page; a submitted version never changes.",
    "DELETE": "a quote is part of the books; it expires or is cancelled.",
}  # fmt: skip
MOST = 200
LINE = Flat(
    "quote_id", "pk", "parent_id", "key", "quantity", "characteristics", "monthly", "one_time", "offering__key",
    "offering__name", "site_id", "site__name",
)  # fmt: skip


def _rows(user: User) -> Any:
    rows = Quote.objects.visible_to(user)
    return rows.filter(state__in=TOLD) if "customer" in user.roles else rows


def _prices(row: Any, currency: str) -> list[Json]:
    return [
        {"name": "Monthly", "priceType": "recurring", "recurringChargePeriod": "month",
         "price": price(row.monthly, currency)},
        {"name": "One-time", "priceType": "oneTime", "price": price(row.one_time, currency)},
    ]  # fmt: skip


def quote(row: Any, page: Rendering) -> Json:
    """One version of a quote. What it costs us, margins and our notes are not in it."""
    return {
        "description": row.title, "version": str(row.version), "state": STATES[row.state],
        "quoteDate": moment(row.created_at), "effectiveQuoteCompletionDate": moment(row.accepted_at),
        "validFor": {"startDateTime": moment(row.created_at), "endDateTime": moment(row.valid_until)},
        "relatedParty": lambda: [page.ref("customer", row.account.number, row.account.name, role="customer")],
        "agreement": lambda: row.agreement and [
            page.ref("agreement", versioned(row.agreement), row.agreement.title)
        ],
        "quoteTotalPrice": lambda: _prices(row, row.currency),
        "quoteItem": lambda: nested(row.items, "quoteItem", lambda line: _item(line, row, page)) or [{}],
    }  # fmt: skip


def _item(line: Any, row: Any, page: Rendering) -> Json:
    product: Json = {"name": line.offering__name, "productCharacteristic": characteristics(line.characteristics)}
    if line.site_id is not None:
        product["place"] = [{"id": str(line.site_id), "name": line.site__name, "role": "installationSite",
                             "@referredType": "GeographicSite"}]  # fmt: skip
    return {
        "id": str(line.key), "action": "add", "quantity": line.quantity, "state": STATES[row.state], "product": product,
        "productOffering": page.ref("productOffering", line.offering__key, line.offering__name),
        "quoteItemPrice": _prices(line, row.currency),
    }  # fmt: skip


def _ready(rows: Any, page: Rendering) -> Any:
    return page.joined(rows, relatedParty=("account",), agreement=("agreement",))


def _fill(rows: list[Any], page: Rendering) -> None:
    """Their lines, if they are wanted."""
    if page.wants("quoteItem"):
        lines = LINE.below(QuoteLine.objects.filter(quote__in=rows).order_by("position", "id"))
        for row in rows:
            row.items = lines[row.pk]


def create(body: Json, user: User) -> int:
    """A draft with its lines, for people to make an offer of; what an item lacks is asked for on the quote's page."""
    if not user.has_perm("contracts.add_quote"):
        raise NotPermitted("The roles of this client do not include the right to open quotes.")
    account = _account(body, user)
    items = body["quoteItem"]
    if len(items) > MOST:
        raise ApiError(400, f"A quote is opened with at most {MOST} items.", [("$.quoteItem", "Too many.")])
    frames = quoting.frames(account)
    made = quoting.create(
        by=user, account_id=account.pk, title=str(body.get("description") or "")[:120],
        agreement_id=frames[0].pk if len(frames) == 1 else None,
    )  # fmt: skip
    for at, item in enumerate(items):
        _add(made, item, account, user, f"$.quoteItem[{at}]")
    return made.pk


def _account(body: Json, user: User) -> Account:
    numbers = [str(one["id"]) for one in body.get("relatedParty") or () if str(one.get("role")).lower() == "customer"]
    found: Account | None = Account.objects.visible_to(user).filter(number__in=numbers).first()
    if found is None:
        raise ApiError(400, "Say for whom: a related party with the role “customer” and the id of a customer.",
                       [("$.relatedParty", "No customer of ours is named.")])  # fmt: skip
    return found


def _add(made: Quote, item: Json, account: Account, user: User, place: str) -> None:
    product = item.get("product") or {}
    key = str((item.get("productOffering") or {}).get("id") or "")
    offering = Offering.objects.on_sale().filter(key=key, sellable=True).first()
    if offering is None:
        raise ApiError(400, f"“{key[:80]}” is not an offering that is sold.",
                       [(f"{place}.productOffering.id", "Unknown offering.")])  # fmt: skip
    named = [str(one.get("id") or "") for one in product.get("place") or ()]
    keys = [int(one) for one in named if one.isdecimal() and len(one) < 16]
    sites = list(Site.objects.filter(pk__in=keys, account__path__startswith=account.path).values_list("pk", flat=True))
    if len(sites) < len(named):
        raise ApiError(400, "This customer has no such site.", [(f"{place}.product.place", "Unknown site.")])
    quantity = int(item.get("quantity") or 1)
    if not 1 <= quantity <= 10_000:
        raise ApiError(400, "A quantity is from 1 to 10,000.", [(f"{place}.quantity", "From 1 to 10,000.")])
    values = asking.values_of(product.get("productCharacteristic"))
    _, refused = quoting.add_lines(
        quote_id=made.pk, offering_id=offering.pk, by=user, site_ids=sites, values=values, quantity=quantity
    )
    if refused:
        raise ApiError(400, str(refused[0]), [(f"{place}.product.place", str(refused[0]))])


QUOTE = Resource(
    name="quote", type="Quote", rows=_rows, render=quote, ready=_ready, fill=_fill, id_of=versioned, find=numbered,
    create=create, refused=BY_PEOPLE, filters={
        "description": Filter("title"), "state": Filter("state", CHOICE, filters.words(STATES)),
        "version": Filter("version", NUMBER), "quoteDate": Filter("created_at", MOMENT),
        "effectiveQuoteCompletionDate": Filter("accepted_at", MOMENT),
        "validFor.endDateTime": Filter("valid_until", DAY),
        "relatedParty.id": Filter("account__number"), "relatedParty.name": Filter("account__name"),
        "agreement.id": Filter("agreement__number"),
        "quoteItem.productOffering.id": Filter("lines__offering__key", many=True),
        "quoteItem.product.place.id": Filter("lines__site", NUMBER, many=True),
    },
)  # fmt: skip
API = Api("tmf648", "Quotes", "quoteManagement", (QUOTE,))
notices.announce("contracts.quote", notices.Announced("tmf648", "quote", states=STATES, born=frozenset({"opened"})))

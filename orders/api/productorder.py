"""TMF622 product ordering: the orders of every channel, created, changed and cancelled by the acts of the screens."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q
from django.utils import timezone

from catalog import shelving
from contracts.models import Quote
from crm.api import naming
from crm.models import Account
from fulfillment.models import Action
from kernel.models import User
from kernel.rest import filters, notices, shapes
from kernel.rest.errors import ApiError, invalid
from kernel.rest.filters import CHOICE, DAY, MOMENT, NUMBER, Filter
from kernel.rest.rendering import Json
from kernel.rest.resource import Api, Change, Resource
from orders import cancellation, editing, intake
from orders.api import shown
from orders.intake import Asked, Item
from orders.models import CancelRequest, Order

BASE = "productOrderingManagement"
FIELDS = {
    "offering": "productOffering.id", "product": "product.id", "site": "product.place[0].id", "id": "id",
    "quantity": "quantity", "requested_on": "requestedCompletionDate",
}  # fmt: skip
HEAD = {
    "requested_on": "requestedCompletionDate", "their_reference": "externalId", "reference": "externalId",
    "title": "description", "billing_profile": "billingAccount.id", "contact": "relatedParty",
    "account": "relatedParty",
    "items": "productOrderItem", "lines": "productOrderItem", "reason": "cancellationReason",
}  # fmt: skip
DRAFTS = Q(state=Order.State.DRAFT)


def _rows(user: User) -> Any:
    return Order.objects.visible_to(user).exclude(DRAFTS)


def _cancels(user: User) -> Any:
    orders = Order.objects.visible_to(user)
    return CancelRequest.objects.filter(order__in=orders.values("pk")).select_related("order")


def create(body: Json, user: User) -> int:
    """An order as sent, submitted."""
    account = naming.account_of(body, user)
    if body.get("quote"):
        return _from_quote(body, account, user)
    items = list(_items(body["productOrderItem"], "$.productOrderItem", ""))
    if not items:
        raise invalid("$.productOrderItem", "Every item says noChange; there is nothing to order.")
    asked = Asked(
        account=account, title=str(body.get("description") or ""), items=items,
        reference=str(body.get("externalId") or ""), requested_on=_day(body.get("requestedCompletionDate")),
        contact_id=_key(naming.party(body, "contact"), "$.relatedParty"),
        billing_profile_id=_key((body.get("billingAccount") or {}).get("id"), "$.billingAccount.id"),
        channel=Order.Channel.PARTNER if shelving.is_partner(user) else Order.Channel.API,
        notes=tuple(note["text"] for note in body.get("note") or ()),
    )  # fmt: skip
    return intake.take(asked, by=user).pk


def _key(text: Any, path: str) -> int | None:
    if not text:
        return None
    if not str(text).isdecimal() or len(str(text)) > 15:
        raise invalid(path, "There is nothing with this id.")
    return int(text)


def _day(text: Any) -> Any:
    found = shapes.moment(str(text)) if text else None
    return timezone.localtime(found).date() if found else None


def _items(rows: list[Json], path: str, parent: str) -> Any:
    """Items with those nested in them, each with its place in the body."""
    for at, row in enumerate(rows):
        place = f"{path}[{at}]"
        action = str(row["action"]).strip()
        if action != "noChange":
            yield _item(row, place, action, parent)
        elif not (row.get("product") or {}).get("id"):
            raise invalid(f"{place}.product.id", "Say which installed product stays as it is.")
        yield from _items(row.get("productOrderItem") or [], f"{place}.productOrderItem", str(row["id"]))


def _item(row: Json, place: str, action: str, parent: str) -> Item:
    product = row.get("product") or {}
    wanted = str(product.get("status") or "").strip()
    if action == Action.MODIFY and wanted == "suspended":
        raise ApiError(501, "Suspending by an order is not offered yet.", [(f"{place}.product.status", "Not offered.")])
    places = product.get("place") or [{}]
    return Item(
        place=place, id=str(row["id"]), action=action, parent=parent, quantity=_quantity(row.get("quantity")),
        offering=str((row.get("productOffering") or {}).get("id") or ""), product=str(product.get("id") or ""),
        site=str(places[0].get("id") or ""),
        values={str(one["name"]): one["value"] for one in product.get("productCharacteristic") or ()},
    )  # fmt: skip


def _quantity(value: Any) -> int | None:
    return None if value is None else int(value)


def _from_quote(body: Json, account: Account, user: User) -> int:
    """The order of an accepted quote; its items only point at lines of the quote."""
    text = str(body["quote"][0]["id"])
    number, _, version = text.partition("-")
    rows = Quote.objects.visible_to(user).filter(number=number, account=account)
    rows = rows.filter(version=int(version)) if version.isdecimal() and len(version) < 6 else rows
    quote = rows.filter(state__in=["accepted", "completed"]).order_by("-version").first() or rows.last()
    if quote is None:
        raise ApiError(422, f"There is no quote “{text[:40]}”.", [("$.quote[0].id", "Unknown quote.")])
    keys = {str(key) for key in quote.lines.values_list("key", flat=True)}
    for at, row in enumerate(body["productOrderItem"]):
        if str((row.get("quoteItem") or {}).get("id")) not in keys:
            raise ApiError(
                422, "What was sold is changed in the quote: reopen the quote as a new version.",
                [(f"$.productOrderItem[{at}].quoteItem.id", "This is not a line of the quote.")],
            )  # fmt: skip
    return intake.take_quote(quote=quote, reference=str(body.get("externalId") or ""), by=user).pk


def path_of(name: str, body: Json) -> str:
    """Where in a body a field of a refusal stands."""
    place, _, rest = name.rpartition(":")
    if not place:
        return f"$.{HEAD.get(name, name)}" if name else "$"
    if rest in FIELDS:
        return f"{place}.{FIELDS[rest]}"
    return f"{place}.product.productCharacteristic[{rest}].value"


FIXED = {
    "productOrderItem": "Items of a running order cannot be changed yet. Cancel it, or order the change when it is "
    "complete.",
    "state": "A state follows from the work. To cancel, use cancelProductOrder.",
}


def change(pk: int, asked: Change, user: User) -> None:
    """What the order's state still allows; items and the customer are changed by other means."""
    wanted: dict[str, Any] = {}
    for name, value in asked.differing.items():
        if name not in PATCHES:
            raise ApiError(409, FIXED.get(name, f"“{name}” of an order cannot be changed."), [(f"$.{name}", "Fixed.")])
        field, read = PATCHES[name]
        wanted[field] = read(value)
    for field, most in (("title", 120), ("their_reference", 60)):
        if len(str(wanted.get(field, ""))) > most:
            raise invalid(f"$.{HEAD[field]}", f"This has at most {most} characters.")
    if wanted:
        editing.edit(order_id=pk, by=user, changes=wanted)


PATCHES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "description": ("title", lambda value: value or ""),
    "externalId": ("their_reference", lambda value: value or ""),
    "requestedCompletionDate": ("requested_on", _day),
    "billingAccount": ("billing_profile", lambda value: _key((value or {}).get("id"), "$.billingAccount.id")),
    "relatedParty": ("contact", lambda value: _key(naming.party({"relatedParty": value}, "contact"), "$.relatedParty")),
}


def create_cancel(body: Json, user: User) -> int:
    """Ask to cancel an order."""
    number = str(body["productOrder"]["id"])
    order = _rows(user).filter(number=number).first()
    if order is None:
        raise ApiError(422, f"There is no order “{number[:40]}”.", [("$.productOrder.id", "Unknown order.")])
    wanted = shapes.moment(str(body.get("requestedCancellationDate") or ""))
    reason = str(body.get("cancellationReason") or "")
    if len(reason) > 300:
        raise invalid("$.cancellationReason", "A reason has at most 300 characters.")
    return cancellation.ask(order_id=order.pk, reason=reason, by=user, wanted_on=wanted).pk


def _characteristic(name: str, values: list[str]) -> Q:
    """Lines with a characteristic of that name, or with a value that reads so."""
    found = Q()
    for value in values:
        if name.endswith(".name"):
            found |= Q(lines__characteristics__has_key=value)
        else:
            found |= Q(lines__characteristics__values_of=value)
    return found


FILTERS = {
    "state": Filter("state", CHOICE, filters.words(Order.TMF)),
    "externalId": Filter("their_reference"),
    "description": Filter("title"),
    "orderDate": Filter("submitted_at", MOMENT),
    "requestedCompletionDate": Filter("requested_on", DAY),
    "expectedCompletionDate": Filter("promised_on", DAY),
    "completionDate": Filter("ended_at", MOMENT),
    "channel.id": Filter("channel", CHOICE, {key: (key,) for key in Order.Channel.values}),
    "relatedParty.id": Filter("account__number"),
    "relatedParty.name": Filter("account__name"),
    "billingAccount.id": Filter("billing_profile", NUMBER),
    "quote.id": Filter("quote__number"),
    "orderTotalPrice.price.dutyFreeAmount.value": Filter("monthly", NUMBER),
    "productOrderItem.id": Filter("lines__their_item", many=True),
    "productOrderItem.state": Filter("lines__state", CHOICE, filters.words(shown.LINE_STATES), many=True),
    "productOrderItem.action": Filter("lines__action", CHOICE, filters.words(shown.ACTIONS), many=True),
    "productOrderItem.quantity": Filter("lines__quantity", NUMBER, many=True),
    "productOrderItem.productOffering.id": Filter("lines__offering__key", many=True),
    "productOrderItem.productOffering.name": Filter("lines__offering__name", many=True),
    "productOrderItem.product.id": Filter("lines__product__number", many=True),
    "productOrderItem.product.place.id": Filter("lines__site", NUMBER, many=True),
    "productOrderItem.product.productCharacteristic.name": Filter(build=_characteristic),
    "productOrderItem.product.productCharacteristic.value": Filter(build=_characteristic),
}

ORDER = Resource(
    name="productOrder", type="ProductOrder", rows=_rows, render=shown.order, ready=shown.ready, filters=FILTERS,
    create=create, change=change, path_of=path_of,
    frozen=Resource.frozen | {"orderDate", "completionDate", "cancellationDate", "expectedCompletionDate"},
    refused={"DELETE": "an order is part of the books. Cancel it with cancelProductOrder."},
)  # fmt: skip
CANCEL = Resource(
    name="cancelProductOrder", type="CancelProductOrder", rows=_cancels, render=shown.cancel, key="key",
    create=create_cancel, path_of=path_of, read_key=shapes.key,
    filters={"productOrder.id": Filter("order__number"), "requestedCancellationDate": Filter("asked_at", MOMENT)},
)  # fmt: skip
API = Api("tmf622", "Product ordering", BASE, (ORDER, CANCEL))

notices.announce(
    Order._meta.label_lower,
    notices.Announced("tmf622", "productOrder", states=Order.TMF, silent=frozenset({"captured"})),
)

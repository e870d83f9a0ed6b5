"""TMF622 product ordering: the orders of every channel, created, changed and cancelled by the acts of the screens."""

from typing import Any

from catalog import shelving
from cmdb.api import asking
from contracts.models import Quote
from crm.api import naming
from crm.models import Account
from kernel.models import User
from kernel.rest import filters, notices
from kernel.rest.errors import ApiError
from kernel.rest.filters import CHOICE, DAY, MOMENT, NUMBER, Filter
from kernel.rest.rendering import Json
from kernel.rest.resource import Api, Resource
from orders import intake
from orders.api import shown
from orders.api.ordering import CLOSED, Kind, characteristic, quantity
from orders.intake import Item
from orders.models import Order

BASE = "productOrderingManagement"
KIND = Kind(
    "productOrder", "productOrderItem", "product", {
        "offering": "productOffering.id", "product": "product.id", "site": "product.place[0].id", "id": "id",
        "quantity": "quantity", "ending": "productOrderItem", "requested_on": "requestedCompletionDate",
    }, "product.productCharacteristic", ("status", "suspended"),
)  # fmt: skip


def create(body: Json, user: User) -> Any:
    """An order as sent, submitted, as it is shown."""
    account = naming.account_of(body, user)
    if body.get("quote"):
        return _from_quote(body, account, user)
    channel = Order.Channel.PARTNER if shelving.is_partner(user) else Order.Channel.API
    asked = KIND.whole(body, account, KIND.items(body, _item), channel=channel)
    made, lines = intake.take(asked, by=user)
    return shown.fresh(made, lines)


def _item(row: Json, place: str, parent: str) -> Item:
    product = row.get("product") or {}
    return Item(
        place=place, id=str(row["id"]), action=KIND.action_of(row, place), parent=parent,
        quantity=quantity(row.get("quantity")), product=str(product.get("id") or ""),
        offering=str((row.get("productOffering") or {}).get("id") or ""),
        site=asking.site_of(product.get("place")), values=asking.values_of(product.get("productCharacteristic")),
        ending=KIND.ending(row),
    )  # fmt: skip


def _from_quote(body: Json, account: Account, user: User) -> int:
    """The order of an accepted quote; its items only point at lines of the quote."""
    text = str(body["quote"][0]["id"])
    number, _, version = text.partition("-")
    rows = Quote.objects.visible_to(user).filter(number=number, account=account)
    rows = rows.filter(version=int(version)) if version.isdecimal() and len(version) < 6 else rows
    quote = rows.filter(state__in=["accepted", "completed"]).order_by("-version").first() or rows.last()
    if quote is None:
        raise ApiError(400, f"There is no quote “{text[:40]}”.", [("$.quote[0].id", "Unknown quote.")])
    keys = {str(key) for key in quote.lines.values_list("key", flat=True)}
    for at, row in enumerate(body["productOrderItem"]):
        if str((row.get("quoteItem") or {}).get("id")) not in keys:
            raise ApiError(
                400, "What was sold is changed in the quote: reopen the quote as a new version.",
                [(f"$.productOrderItem[{at}].quoteItem.id", "This is not a line of the quote.")],
            )  # fmt: skip
    return intake.take_quote(quote=quote, reference=str(body.get("externalId") or ""), by=user).pk


FILTERS = {
    "state": Filter("state", CHOICE, filters.words(Order.TMF)),
    "externalId": Filter("their_reference"),
    "description": Filter("title"),
    "orderDate": Filter("submitted_at", MOMENT, filled=True),
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
    "productOrderItem.product.productCharacteristic.name": Filter(build=characteristic),
    "productOrderItem.product.productCharacteristic.value": Filter(build=characteristic),
}

ORDER = Resource(
    name="productOrder", type="ProductOrder", rows=KIND.rows, render=shown.order, flat=shown.HEAD, fill=shown.fill,
    filters=FILTERS, create=create, change=KIND.change, path_of=KIND.path_of, frozen=Resource.frozen | CLOSED,
    refused={"DELETE": "an order is part of the books. Cancel it with cancelProductOrder."},
)  # fmt: skip
API = Api("tmf622", "Product ordering", BASE, (ORDER, KIND.cancelling()))

notices.announce(
    Order._meta.label_lower,
    notices.Announced("tmf622", "productOrder", states=Order.TMF, silent=frozenset({"captured"})),
)

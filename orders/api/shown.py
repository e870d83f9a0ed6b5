"""How orders and their items are written as TMF622."""

import datetime as dt
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q
from django.db.models.functions import JSONObject

from fulfillment.models import Kind, Task
from kernel.rest.rendering import Flat, Json, Rendering, characteristics, moment, nested, price
from orders.models import CancelRequest, Order, OrderLine

LINE_STATES = {
    "acknowledged": "acknowledged", "scheduled": "acknowledged", "in_progress": "inProgress", "on_hold": "held",
    "awaiting_information": "pending", "revision_in_progress": "pending",
    "assessing_cancellation": "assessingCancellation", "cancellation_in_progress": "pendingCancellation",
    "rejected": "rejected", "completed": "completed", "failed": "failed", "cancelled": "cancelled",
}  # fmt: skip
ACTIONS = {"add": "add", "modify": "modify", "delete": "delete", "suspend": "modify", "resume": "modify",
           "move": "modify"}  # fmt: skip
SWITCHED = {"suspend": "suspended", "resume": "active"}
PARTY = {"@type": "RelatedParty"}  # required by TMF641
PRIORITIES = ((80, "0"), (60, "1"), (40, "2"), (20, "3"))


LINE = Flat(
    "order_id", "pk", "parent_id", "their_item", "position", "action", "quantity", "state", "characteristics",
    "monthly", "one_time", "offering__key", "offering__name", "specification__key", "specification__name",
    "specification__version", "specification__kind", "site_id", "site__name", "product__number",
    "service__number", "service__state", "quote_line__key", "quote_line__quote_id",
)  # fmt: skip


HEAD = Flat(
    "pk", "number", "channel", "their_reference", "title", "priority", "state", "currency", "monthly", "one_time",
    "created_at", "submitted_at", "started_at", "ended_at", "requested_on", "promised_on",
    relatedParty=("account__number", "account__name", "contact_id", "contact__first_name", "contact__last_name"),
    billingAccount=("billing_profile_id", "billing_profile__name"),
    quote=("quote__number", "quote__version", "quote__title"), agreement=("contract__number",),
)  # fmt: skip


def fill(rows: list[Any], page: Rendering) -> None:
    """Their lines, and what was reached of them, if that is wanted; a query for each."""
    if page.wants("productOrderItem"):
        with_lines(rows)
    if page.wants("note"):
        with_tasks(rows, _reached())


def with_lines(rows: list[Any]) -> None:
    """Put lines on their orders."""
    lines = LINE.below(OrderLine.objects.filter(order__in=[row.pk for row in rows]).order_by("position", "id"))
    for row in rows:
        row.items = lines[row.pk]


def with_tasks(rows: list[Any], tasks: Any) -> None:
    """Put what is said of tasks on the orders to which they belong."""
    said = dict(Order.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", ArraySubquery(tasks)))
    for row in rows:
        row.reached = said[row.pk]


def fresh(row: Any, lines: list[OrderLine]) -> Any:
    """An order at hand with its lines, as reading it again would give it."""
    found = HEAD.of(row)
    found.items = [LINE.of(line) for line in lines]
    return found


def _reached() -> Any:
    """Milestones and plain-word stages that are done of an order, oldest first."""
    tasks = Task.objects.filter(
        Q(kind=Kind.MILESTONE) | Q(item__stage__gt=""), flow__root_type=Order._meta.label_lower,
        flow__root_id=OuterRef("pk"), state=Task.State.COMPLETED,
    )  # fmt: skip
    said = JSONObject(id="number", text="name", date="ended_at", site="flow__site__name")
    return tasks.order_by("ended_at", "pk").values(said=said)


def _notes(row: Any) -> list[Json]:
    found = getattr(row, "reached", None) or ()
    return [
        {"id": one["id"], "author": "milestone", "date": moment(dt.datetime.fromisoformat(one["date"])),
         "text": f"{one['text']}, {one['site']}" if one["site"] else one["text"]}
        for one in found if one["date"]
    ]  # fmt: skip


def order(row: Any, page: Rendering) -> Json:
    """One order."""
    return {
        **head(row, page), "category": "product",
        "channel": lambda: [
            {"id": row.channel, "name": str(Order.Channel(row.channel).label), "@referredType": "Channel"}],
        "billingAccount": lambda: row.billing_profile_id and {
            "id": str(row.billing_profile_id), "name": row.billing_profile__name, "@referredType": "BillingAccount"},
        "quote": lambda: row.quote__number and [
            page.ref("quote", f"{row.quote__number}-{row.quote__version}", row.quote__title)],
        "agreement": lambda: row.contract__number and [
            page.ref("agreement", row.contract__number, "", "Agreement")],
        "orderTotalPrice": lambda: _prices(row.monthly, row.one_time, row.currency), "note": lambda: _notes(row),
        "productOrderItem": lambda: nested(
            row.items, "productOrderItem", lambda line: _item(line, row.currency, page)
        ),
    }  # fmt: skip


def head(row: Any, page: Rendering) -> Json:
    """What is written of an order of either kind."""
    return {
        "externalId": row.their_reference or None, "description": row.title,
        "priority": lambda: next((word for least, word in PRIORITIES if row.priority >= least), "4"),
        "state": Order.TMF.get(row.state, "acknowledged"), "orderDate": moment(row.submitted_at or row.created_at),
        "requestedCompletionDate": moment(row.requested_on), "expectedCompletionDate": moment(row.promised_on),
        "completionDate": moment(row.ended_at) if row.state in ("completed", "partial") else None,
        "cancellationDate": moment(row.ended_at) if row.state == "cancelled" else None,
        "relatedParty": lambda: _parties(row, page),
    }  # fmt: skip


def _parties(row: Any, page: Rendering) -> list[Json]:
    """The customer of an order, and whom to talk to."""
    found = [page.ref("customer", row.account__number, row.account__name, role="customer", **PARTY)]
    if row.contact_id:
        name = f"{row.contact__first_name} {row.contact__last_name}"
        found.append(page.ref("individual", row.contact_id, name, role="contact", **PARTY))
    return found


def _prices(monthly: Any, one_time: Any, currency: str) -> list[Json]:
    found = []
    if monthly:
        found.append({"name": "Monthly", "priceType": "recurring", "recurringChargePeriod": "month",
                      "price": price(monthly, currency)})  # fmt: skip
    if one_time:
        found.append({"name": "One-time", "priceType": "oneTime", "price": price(one_time, currency)})
    return found


def item(line: Any) -> Json:
    """What is written of an item of either kind; its id is what the other system called it, else its place."""
    return {
        "id": line.their_item or str(line.position), "action": ACTIONS[line.action], "quantity": line.quantity,
        "state": LINE_STATES.get(line.state, "acknowledged"),
    }  # fmt: skip


def place(line: Any) -> Json:
    """Where an item is wanted, if anywhere."""
    if line.site_id is None:
        return {}
    return {"place": [{"id": str(line.site_id), "name": line.site__name, "role": "installationSite",
                       "@referredType": "GeographicSite"}]}  # fmt: skip


def _item(line: Any, currency: str, page: Rendering) -> Json:
    found: Json = {
        **item(line), "productOffering": page.ref("productOffering", line.offering__key, line.offering__name),
        "itemTotalPrice": _prices(line.monthly, line.one_time, currency), "product": _product(line, page),
        "@type": "ProductOrderItem",
    }  # fmt: skip
    if line.quote_line__key is not None:
        found["quoteItem"] = {"id": str(line.quote_line__key), "quoteId": str(line.quote_line__quote_id)}
    return found


def _product(line: Any, page: Rendering) -> Json:
    found: Json = {
        "name": line.offering__name, "productCharacteristic": characteristics(line.characteristics),
        "productSpecification": page.ref(
            "productSpecification", line.specification__key, line.specification__name,
            version=str(line.specification__version),
        ),
    }  # fmt: skip
    if line.product__number is not None:
        found["id"], found["href"] = line.product__number, page.href("product", line.product__number)
    if line.action in SWITCHED:
        found["status"] = SWITCHED[line.action]
    return found | place(line)


def cancel(row: CancelRequest, page: Rendering) -> Json:
    """One request to cancel; its state follows from the order."""
    over = row.order.state in ("cancelled", "completed", "partial", "failed", "rejected")
    state = "terminatedWithError" if row.problem else "done" if over else "inProgress"
    name = "serviceOrder" if row.order.channel == Order.Channel.SERVICE else "productOrder"
    return {
        "cancellationReason": row.reason, "requestedCancellationDate": moment(row.wanted_on or row.asked_at),
        "effectiveCancellationDate": moment(row.order.ended_at) if row.order.state == "cancelled" else None,
        name: page.ref(name, row.order.number), "state": state,
    }  # fmt: skip

"""How orders and their items are written as TMF622."""

import datetime as dt
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Prefetch, Q
from django.db.models.functions import JSONObject

from fulfillment.models import Kind, Task
from kernel.rest.rendering import Json, Rendering, characteristics, moment, nested, price
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
ITEMS = ("productOrderItem",)
PARTY = {"@type": "RelatedParty"}  # required by TMF641
PRIORITIES = ((80, "0"), (60, "1"), (40, "2"), (20, "3"))


def ready(rows: Any, page: Rendering) -> Any:
    """Orders with what the wanted attributes read; a constant number of queries."""
    rows = rows.select_related("account", "contact", "billing_profile", "quote", "contract")
    if page.wants(*ITEMS):
        lines = OrderLine.objects.select_related("offering", "specification", "site", "product", "quote_line")
        rows = rows.prefetch_related(Prefetch("lines", lines.order_by("position", "id"), to_attr="items"))
    if page.wants("note"):
        rows = rows.annotate(reached=ArraySubquery(_reached()))
    return rows


def with_lines(row: Any, lines: list[OrderLine]) -> Any:
    """An order at hand with its lines, as `ready` reads it."""
    row.items = lines
    return row


def _reached() -> Any:
    """Milestones and plain-word stages that are done of an order, oldest first."""
    tasks = Task.objects.filter(
        Q(kind=Kind.MILESTONE) | Q(item__stage__gt=""), flow__root_type=Order._meta.label_lower,
        flow__root_id=OuterRef("pk"), state=Task.State.COMPLETED,
    )  # fmt: skip
    said = JSONObject(id="number", text="name", date="ended_at", site="flow__site__name")
    return tasks.order_by("ended_at", "pk").values(said=said)


def _notes(row: Order) -> list[Json]:
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
        "channel": [{"id": row.channel, "name": row.get_channel_display(), "@referredType": "Channel"}],
        "billingAccount": {"id": str(row.billing_profile.pk), "name": row.billing_profile.name,
                           "@referredType": "BillingAccount"} if row.billing_profile else None,
        "quote": [page.ref("quote", f"{row.quote.number}-{row.quote.version}", row.quote.title)] if row.quote else [],
        "agreement": [page.ref("agreement", row.contract.number, "", "Agreement")] if row.contract else [],
        "orderTotalPrice": _prices(row.monthly, row.one_time, row.currency), "note": _notes(row),
        "productOrderItem": nested(
            row.items, "productOrderItem", lambda line: _item(line, row.currency, page)
        ) if page.wants(*ITEMS) else None,
    }  # fmt: skip


def head(row: Order, page: Rendering) -> Json:
    """What is written of an order of either kind."""
    return {
        "externalId": row.their_reference or None, "description": row.title,
        "priority": next((word for least, word in PRIORITIES if row.priority >= least), "4"),
        "state": Order.TMF.get(row.state, "acknowledged"), "orderDate": moment(row.submitted_at or row.created_at),
        "requestedCompletionDate": moment(row.requested_on), "expectedCompletionDate": moment(row.promised_on),
        "completionDate": moment(row.ended_at) if row.state in ("completed", "partial") else None,
        "cancellationDate": moment(row.ended_at) if row.state == "cancelled" else None,
        "relatedParty": _parties(row, page),
    }  # fmt: skip


def _parties(row: Order, page: Rendering) -> list[Json]:
    """The customer of an order, and whom to talk to."""
    found = [page.ref("customer", row.account.number, row.account.name, role="customer", **PARTY)]
    if row.contact:
        found.append(page.ref("individual", row.contact.pk, str(row.contact), role="contact", **PARTY))
    return found


def _prices(monthly: Any, one_time: Any, currency: str) -> list[Json]:
    found = []
    if monthly:
        found.append({"name": "Monthly", "priceType": "recurring", "recurringChargePeriod": "month",
                      "price": price(monthly, currency)})  # fmt: skip
    if one_time:
        found.append({"name": "One-time", "priceType": "oneTime", "price": price(one_time, currency)})
    return found


def item(line: OrderLine) -> Json:
    """What is written of an item of either kind; its id is what the other system called it, else its place."""
    return {
        "id": line.their_item or str(line.position), "action": ACTIONS[line.action], "quantity": line.quantity,
        "state": LINE_STATES.get(line.state, "acknowledged"),
    }  # fmt: skip


def place(line: OrderLine) -> Json:
    """Where an item is wanted, if anywhere."""
    if line.site is None:
        return {}
    return {"place": [{"id": str(line.site.pk), "name": line.site.name, "role": "installationSite",
                       "@referredType": "GeographicSite"}]}  # fmt: skip


def _item(line: OrderLine, currency: str, page: Rendering) -> Json:
    found: Json = {
        **item(line), "productOffering": page.ref("productOffering", line.offering.key, line.offering.name),
        "itemTotalPrice": _prices(line.monthly, line.one_time, currency), "product": _product(line, page),
        "@type": "ProductOrderItem",
    }  # fmt: skip
    if line.quote_line is not None:
        found["quoteItem"] = {"id": str(line.quote_line.key), "quoteId": str(line.quote_line.quote_id)}
    return found


def _product(line: OrderLine, page: Rendering) -> Json:
    found: Json = {
        "name": line.offering.name, "productCharacteristic": characteristics(line.characteristics),
        "productSpecification": page.ref(
            "productSpecification", line.specification.key, line.specification.name,
            version=str(line.specification.version),
        ),
    }  # fmt: skip
    if line.product is not None:
        found["id"], found["href"] = line.product.number, page.href("product", line.product.number)
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

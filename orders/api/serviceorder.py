"""TMF641 service ordering: orders of other order systems for services, run by the engine that runs our own."""

from collections import defaultdict
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Prefetch
from django.db.models.functions import JSONObject

from cmdb.api.serviceinventory import STATES
from crm.api import naming
from fulfillment.models import Action, Task
from fulfillment.models import Kind as TaskKind
from kernel.models import User
from kernel.rest import filters, notices, shapes
from kernel.rest.errors import ApiError, invalid
from kernel.rest.filters import CHOICE, DAY, MOMENT, NUMBER, Filter
from kernel.rest.rendering import Json, Rendering, characteristics, moment
from kernel.rest.resource import Api, Resource
from orders import serviceintake
from orders.api import shown
from orders.api.ordering import CLOSED, Kind, characteristic, day, key, quantity, values_of
from orders.intake import Asked, Item
from orders.models import DomainOrder, Order, OrderLine

BASE = "serviceOrdering"
KIND = Kind(
    "serviceOrder", "serviceOrderItem", {
        "offering": "service.serviceSpecification.id", "product": "service.id", "site": "service.place[0].id",
        "id": "id", "quantity": "quantity", "requested_on": "requestedCompletionDate",
    }, "service.serviceCharacteristic",
)  # fmt: skip


def create(body: Json, user: User) -> int:
    """An order as sent, submitted."""
    items = [_item(*asked) for asked in KIND.asked(body) if asked[2] != "noChange" or _stays(*asked[:2])]
    if not items:
        raise invalid("$.serviceOrderItem", "Every item says noChange; there is nothing to order.")
    asked = Asked(
        account=naming.account_of(body, user), title=str(body.get("description") or ""), items=items,
        reference=str(body.get("externalId") or ""), requested_on=day(body.get("requestedCompletionDate")),
        contact_id=key(naming.party(body, "contact"), "$.relatedParty"), channel=Order.Channel.SERVICE,
        notes=tuple(note["text"] for note in body.get("note") or () if note.get("text")),
    )  # fmt: skip
    return serviceintake.take(asked, by=user).pk


def _stays(row: Json, place: str) -> bool:
    """Nothing is to be done with the item; it has to say what stays."""
    if not (row.get("service") or {}).get("id"):
        raise invalid(f"{place}.service.id", "Say which installed service stays as it is.")
    return False


def _item(row: Json, place: str, action: str, parent: str) -> Item:
    service = row.get("service") or {}
    if action == Action.MODIFY and str(service.get("state") or "").strip() == "inactive":
        raise ApiError(501, "Suspending by an order is not offered yet.", [(f"{place}.service.state", "Not offered.")])
    places = service.get("place") or [{}]
    return Item(
        place=place, id=str(row["id"]), action=action, parent=parent, quantity=quantity(row.get("quantity")),
        offering=str((service.get("serviceSpecification") or {}).get("id") or ""), product=str(service.get("id") or ""),
        site=str(places[0].get("id") or ""), values=values_of(service.get("serviceCharacteristic")),
    )  # fmt: skip


def ready(rows: Any, page: Rendering) -> Any:
    """Orders with what the wanted attributes read; a constant number of queries."""
    rows = rows.select_related("account", "contact", "forecast")
    if page.wants("serviceOrderItem"):
        lines = OrderLine.objects.select_related("offering", "specification", "site", "service").prefetch_related(
            Prefetch("domain_orders", DomainOrder.objects.filter(depth=0).select_related("service"), to_attr="roots")
        )
        rows = rows.prefetch_related(Prefetch("lines", lines.order_by("position", "id")))
    if page.wants("milestone"):
        rows = rows.annotate(milestones=ArraySubquery(_milestones()))
    return rows


def _milestones() -> Any:
    tasks = Task.objects.filter(
        kind=TaskKind.MILESTONE, flow__root_type=Order._meta.label_lower, flow__root_id=OuterRef("pk")
    ).exclude(state__in=[Task.State.CANCELLED, Task.State.SKIPPED])  # fmt: skip
    said = JSONObject(id="number", name="name", state="state", date="ended_at")
    return tasks.order_by("ended_at", "pk").values(said=said)


def order(row: Order, page: Rendering) -> Json:
    """One service order."""
    return {
        "externalId": row.their_reference or None, "description": row.title, "category": "service",
        "priority": next((word for least, word in shown.PRIORITIES if row.priority >= least), "4"),
        "state": Order.TMF.get(row.state, "acknowledged"), "orderDate": moment(row.submitted_at or row.created_at),
        "requestedCompletionDate": moment(row.requested_on), "expectedCompletionDate": moment(row.promised_on),
        "startDate": moment(row.started_at),
        "completionDate": moment(row.ended_at) if row.state in ("completed", "partial") else None,
        "cancellationDate": moment(row.ended_at) if row.state == "cancelled" else None,
        "relatedParty": shown.parties(row, page), "jeopardyAlert": _jeopardy(row),
        "milestone": _reached(row), "serviceOrderItem": _items(row, page) if page.wants("serviceOrderItem") else None,
    }  # fmt: skip


def _jeopardy(row: Order) -> list[Json]:
    """The danger in which the promise is; nothing while there is none."""
    known = getattr(row, "forecast", None)
    if known is None or not known.level:
        return []
    return [{
        "id": row.number, "name": known.get_level_display(), "jeopardyType": known.get_level_display().lower(),
        "message": known.reason, "alertDate": moment(known.since),
    }]  # fmt: skip


def _reached(row: Order) -> list[Json]:
    return [
        {"id": one["id"], "name": one["name"], "status": "achieved" if one["state"] == Task.State.COMPLETED else "open",
         "milestoneDate": moment(shapes.moment(one["date"])) if one["date"] else None}
        for one in getattr(row, "milestones", None) or ()
    ]  # fmt: skip


def _items(row: Order, page: Rendering) -> list[Json]:
    below: dict[int | None, list[OrderLine]] = defaultdict(list)
    for line in row.lines.all():
        below[line.parent_id].append(line)
    return [_shown(line, page, below) for line in below[None]]


def _shown(line: OrderLine, page: Rendering, below: dict[int | None, list[OrderLine]]) -> Json:
    found: Json = {
        "id": shown.item_id(line), "action": shown.ACTIONS[line.action], "quantity": line.quantity,
        "state": shown.LINE_STATES.get(line.state, "acknowledged"), "service": _service(line, page),
        "@type": "ServiceOrderItem",
    }  # fmt: skip
    if line.pk in below:
        found["serviceOrderItem"] = [_shown(one, page, below) for one in below[line.pk]]
    return found


def _service(line: OrderLine, page: Rendering) -> Json:
    spec = line.specification
    found: Json = {
        "name": line.offering.name, "category": spec.kind.upper(), "serviceType": spec.name,
        "serviceCharacteristic": characteristics(line.characteristics),
        "serviceSpecification": {
            "id": spec.key, "name": spec.name, "version": str(spec.version), "@referredType": "ServiceSpecification",
        },
    }  # fmt: skip
    built = line.service or next((root.service for root in getattr(line, "roots", ()) if root.service), None)
    if built is not None:
        found |= {"id": built.number, "href": page.href("service", built.number), "state": STATES[built.state]}
    if line.site is not None:
        found["place"] = [{"id": str(line.site.pk), "name": line.site.name, "role": "installationSite",
                           "@referredType": "GeographicSite"}]  # fmt: skip
    return found


FILTERS = {
    "state": Filter("state", CHOICE, filters.words(Order.TMF)), "externalId": Filter("their_reference"),
    "description": Filter("title"), "orderDate": Filter("submitted_at", MOMENT),
    "requestedCompletionDate": Filter("requested_on", DAY), "expectedCompletionDate": Filter("promised_on", DAY),
    "completionDate": Filter("ended_at", MOMENT), "relatedParty.id": Filter("account__number"),
    "relatedParty.name": Filter("account__name"), "serviceOrderItem.id": Filter("lines__their_item", many=True),
    "serviceOrderItem.state": Filter("lines__state", CHOICE, filters.words(shown.LINE_STATES), many=True),
    "serviceOrderItem.action": Filter("lines__action", CHOICE, filters.words(shown.ACTIONS), many=True),
    "serviceOrderItem.service.id": Filter("lines__service__number", many=True),
    "serviceOrderItem.service.place.id": Filter("lines__site", NUMBER, many=True),
    "serviceOrderItem.service.serviceSpecification.id": Filter("lines__specification__key", many=True),
    "serviceOrderItem.service.serviceCharacteristic.name": Filter(build=characteristic),
    "serviceOrderItem.service.serviceCharacteristic.value": Filter(build=characteristic),
}  # fmt: skip

ORDER = Resource(
    name="serviceOrder", type="ServiceOrder", rows=KIND.rows, render=order, ready=ready, filters=FILTERS,
    create=create, change=KIND.change, path_of=KIND.path_of, frozen=Resource.frozen | CLOSED | {"startDate"},
    refused={"DELETE": "an order is part of the books. Cancel it with cancelServiceOrder."},
)  # fmt: skip
API = Api("tmf641", "Service ordering", BASE, (ORDER, KIND.cancelling()))

notices.announce(
    Order._meta.label_lower,
    notices.Announced(
        "tmf641", "serviceOrder", states=Order.TMF, silent=frozenset({"captured"}),
        named={"milestone": "MilestoneEvent", "jeopardy_raised": "JeopardyEvent", "jeopardy_lowered": "JeopardyEvent"},
    ),
)  # fmt: skip

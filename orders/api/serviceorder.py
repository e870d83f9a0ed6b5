"""TMF641 service ordering: orders of other order systems for services, run by the engine that runs our own."""

from typing import Any

from django.db.models import OuterRef
from django.db.models.functions import JSONObject

from cmdb.api import asking
from cmdb.api.serviceinventory import STATES, named
from crm.api import naming
from fulfillment.models import Kind as TaskKind
from fulfillment.models import Level, Task
from kernel.models import User
from kernel.rest import filters, notices, shapes
from kernel.rest.filters import CHOICE, DAY, MOMENT, NUMBER, Filter
from kernel.rest.rendering import Flat, Json, Rendering, characteristics, moment, nested
from kernel.rest.resource import Api, Resource
from orders import serviceintake
from orders.api import shown
from orders.api.ordering import CLOSED, Kind, characteristic, quantity
from orders.intake import Item
from orders.models import DomainOrder, Order

BASE = "serviceOrdering"
KIND = Kind(
    "serviceOrder", "serviceOrderItem", "service", {
        "offering": "service.serviceSpecification.id", "product": "service.id", "site": "service.place[0].id",
        "id": "id", "quantity": "quantity", "ending": "serviceOrderItem", "requested_on": "requestedCompletionDate",
    }, "service.serviceCharacteristic", ("state", "inactive"),
)  # fmt: skip


HEAD = Flat(
    *shown.HEAD.paths, **shown.HEAD.beside,
    jeopardyAlert=("forecast__level", "forecast__reason", "forecast__since"),
)  # fmt: skip


def create(body: Json, user: User) -> int:
    """An order as sent, submitted."""
    items = KIND.items(body, _item)
    asked = KIND.whole(body, naming.account_of(body, user), items, channel=Order.Channel.SERVICE)
    return serviceintake.take(asked, by=user)[0].pk


def _item(row: Json, place: str, parent: str) -> Item:
    service = row.get("service") or {}
    return Item(
        place=place, id=str(row["id"]), action=KIND.action_of(row, place), parent=parent, ending=KIND.ending(row),
        quantity=quantity(row.get("quantity")),
        offering=str((service.get("serviceSpecification") or {}).get("id") or ""), product=str(service.get("id") or ""),
        site=asking.site_of(service.get("place")), values=asking.values_of(service.get("serviceCharacteristic")),
    )  # fmt: skip


def fill(rows: list[Any], page: Rendering) -> None:
    """Their lines with the services that came of them, and milestones, if that is wanted."""
    if page.wants("serviceOrderItem"):
        shown.with_lines(rows)
        built = DomainOrder.objects.filter(order__in=[row.pk for row in rows], depth=0, service__isnull=False).order_by(
            "-pk"
        )
        services = {line: service for line, *service in built.values_list("line", "service__number", "service__state")}
        for row in rows:
            row.built = services
    if page.wants("milestone"):
        shown.with_tasks(rows, _milestones())


def _milestones() -> Any:
    tasks = Task.objects.filter(
        kind=TaskKind.MILESTONE, flow__root_type=Order._meta.label_lower, flow__root_id=OuterRef("pk")
    ).exclude(state__in=[Task.State.CANCELLED, Task.State.SKIPPED])  # fmt: skip
    said = JSONObject(id="number", name="name", state="state", date="ended_at")
    return tasks.order_by("ended_at", "pk").values(said=said)


def order(row: Any, page: Rendering) -> Json:
    """One service order."""
    return {
        **shown.head(row, page), "category": "service", "startDate": moment(row.started_at),
        "jeopardyAlert": lambda: _jeopardy(row), "milestone": lambda: _reached(row),
        "serviceOrderItem": lambda: nested(
            row.items, "serviceOrderItem",
            lambda line: {**shown.item(line), "service": _service(line, row, page), "@type": "ServiceOrderItem"},
        ),
    }  # fmt: skip


def _jeopardy(row: Any) -> list[Json]:
    """The danger in which the promise is; nothing while there is none."""
    if not row.forecast__level:
        return []
    name = str(Level(row.forecast__level).label)
    return [{
        "id": row.number, "name": name, "jeopardyType": name.lower(), "message": row.forecast__reason,
        "alertDate": moment(row.forecast__since),
    }]  # fmt: skip


def _reached(row: Any) -> list[Json]:
    return [
        {"id": one["id"], "name": one["name"], "status": "achieved" if one["state"] == Task.State.COMPLETED else "open",
         "milestoneDate": moment(shapes.moment(one["date"])) if one["date"] else None}
        for one in row.reached
    ]  # fmt: skip


def _service(line: Any, row: Any, page: Rendering) -> Json:
    found: Json = {
        "name": line.offering__name, "category": line.specification__kind.upper(),
        "serviceType": line.specification__name, "serviceCharacteristic": characteristics(line.characteristics),
        "serviceSpecification": named(line.specification__key, line.specification__name, line.specification__version),
    }  # fmt: skip
    number, state = (line.service__number, line.service__state) if line.service__number else row.built.get(
        line.pk, (None, None)
    )  # fmt: skip
    if number is not None:
        found |= {"id": number, "href": page.href("service", number), "state": STATES[state]}
    return found | shown.place(line)


FILTERS = {
    "state": Filter("state", CHOICE, filters.words(Order.TMF)), "externalId": Filter("their_reference"),
    "description": Filter("title"), "orderDate": Filter("submitted_at", MOMENT, filled=True),
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
    name="serviceOrder", type="ServiceOrder", rows=KIND.rows, render=order, flat=HEAD, fill=fill, filters=FILTERS,
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

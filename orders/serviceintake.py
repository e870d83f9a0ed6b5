"""Service intake: service orders of other order systems (TMF641), by the acts that take orders of products.

An item names a service specification, for which the catalogue has an offering of the kind “service on its own”, or an
installed service that was ordered so. Its line starts the tree at the service: there is no product above it.
"""

import uuid
from typing import Any

from catalog.models import Offering
from cmdb.models import Service
from crm.models import Site
from fulfillment.models import Action
from kernel.models import User
from orders import intake, queries, servicing
from orders.intake import Asked, Item, Known, Orderable, Problems
from orders.models import Order, OrderLine
from orders.tree import WALKED

State = Service.State
FROM = {
    Action.MODIFY: (State.ACTIVE,), Action.SUSPEND: (State.ACTIVE,), Action.RESUME: (State.INACTIVE,),
    Action.DELETE: (State.ACTIVE, State.INACTIVE),
}  # fmt: skip


def take(asked: Asked, *, by: User) -> tuple[Order, list[OrderLine]]:
    """Capture, check and submit; raises as `intake.take` does.

    An item's `offering` is the key of a service specification, its `product` the number of a service.
    """
    return intake.take(asked, by=by, of=SERVICES)


def orderable() -> Any:
    """Offerings that other order systems may order as services, with their specifications."""
    rows = Offering.objects.on_sale().filter(kind=Offering.Kind.SERVICE).select_related("specification")
    return rows.prefetch_related("specification__characteristics")


def _read(asked: Asked, by: User) -> Known:
    wanted = {item.offering for item in asked.items if item.offering}
    offerings = orderable().filter(specification__key__in=wanted)
    numbers = {item.product for item in asked.items if item.product}
    services: list[Service] = []
    if numbers:
        rows = Service.objects.filter(number__in=numbers, on_its_own=True, **intake.tree_of(asked.account))
        services = list(
            rows.select_for_update(of=("self",), no_key=True).select_related("specification", "site", "account")
            .prefetch_related("specification__characteristics").order_by("pk")
        )  # fmt: skip
        offerings = offerings | orderable().filter(specification__key__in=[s.specification.key for s in services])
    lines = OrderLine.objects.filter(service__in=services).exclude(order__state__in=queries.ENDED)
    busy = dict(lines.values_list("service", "order__number")) if services else {}
    return Known({one.specification.key: one for one in offerings}, {one.number: one for one in services}, busy)


def _line(order: Order, item: Item, known: Known, site: Site | None, problems: Problems) -> OrderLine | None:
    if item.action != Action.ADD:
        return _changed(order, item, known, problems)
    offering = known.offerings.get(item.offering)
    if offering is None or offering.specification is None:
        if item.offering:
            said = f"“{item.offering}” is not a service that can be ordered by itself."
            problems[f"{item.place}:offering"] = [said]
        return None
    if (item.quantity or 1) > 1:
        problems[f"{item.place}:quantity"] = ["An item is one service; send an item for each."]
    return intake.added(order, item, offering, offering.specification, site)


def _changed(order: Order, item: Item, known: Known, problems: Problems) -> OrderLine | None:
    service = known.installed.get(item.product)
    if service is None:
        if item.product:
            problems[f"{item.place}:product"] = [f"There is no service “{item.product}” that was ordered by itself."]
        return None
    if service.state not in FROM[Action(item.action)]:
        word, act = service.get_state_display().lower(), servicing.WORDS[Action(item.action)].lower()
        problems[f"{item.place}:product"] = [f"{service.number} is {word}; it cannot be ordered to {act} it."]
    offering = known.offerings.get(service.specification.key)
    if offering is None:
        problems[f"{item.place}:product"] = [f"{service.name} is not ordered by itself any more."]
        return None
    intake.require_free(item, known, service)
    if item.site and item.site != str(service.site_id):
        problems[f"{item.place}:site"] = ["A service is moved by ending it here and adding it there."]
    keep = item.action in WALKED
    return OrderLine(
        order=order, key=uuid.uuid4(), action=item.action, service=service, offering=offering,
        specification=service.specification, account=service.account, site=service.site,
        quantity=1, characteristics=service.characteristics if keep else {**service.characteristics, **item.values},
        ending=sorted(set(item.ending)),
    )  # fmt: skip


SERVICES = Orderable(_read, _line, "Say which installed service this changes.")

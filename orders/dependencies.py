"""Dependencies: what a product requires must be there before its line closes, and what it excludes must not."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from django.db.models import Count

from catalog import composition
from cmdb.models import Product
from orders.models import Order, OrderLine

THERE = (Product.State.ACTIVE, Product.State.SUSPENDED)
Place = tuple[int | None, int]  # site and specification


def met(order: Order, lines: list[OrderLine]) -> list[OrderLine]:
    """Of lines that are done, those whose requirements are met by what is active or done together with them."""
    return met_in({order.pk: order}, lines)


def met_in(orders: Mapping[int, Order], lines: list[OrderLine]) -> list[OrderLine]:
    """The same for lines of many orders, each looked at beside those of its own order."""
    adding = {line.order_id for line in lines if line.action == "add"}
    if not adding:
        return lines
    broken = _clashes(orders, [line for line in lines if line.order_id in adding])
    return [
        line for line in lines
        if line.action != "add"
        or not any(clash.touches(line.site_id, line.specification_id) for clash in broken.get(line.order_id, ()))
    ]  # fmt: skip


def clashes(order: Order, lines: list[OrderLine]) -> list[composition.Clash]:
    """Rules that would be broken if these lines closed now, in words."""
    return _clashes({order.pk: order}, lines).get(order.pk, [])


def _clashes(orders: Mapping[int, Order], lines: list[OrderLine]) -> dict[int, list[composition.Clash]]:
    """Order → rules that its lines would break; the number of statements does not grow with orders or products."""
    own: dict[int, list[OrderLine]] = defaultdict(list)
    for line in lines:
        own[line.order_id].append(line)
    running = _running({orders[pk].account.root_id for pk in own})
    ending = {line.product_id for line in lines if line.action == "delete"}
    gone = {row[0]: row[1:] for row in _there().filter(pk__in=ending).values_list("pk", "site", "specification")}
    present = {
        pk: _present(of_order, running[orders[pk].account.root_id], gone if ending else {})
        for pk, of_order in own.items()
    }
    rules = composition.rules_of({key for sites in present.values() for here in sites.values() for key in here})
    return {pk: _touching(composition.broken(rules, present[pk]), of_order) for pk, of_order in own.items()}


def _there() -> Any:
    return Product.objects.filter(state__in=THERE)


def _running(roots: set[int | None]) -> dict[int | None, Counter[Place]]:
    """Root account → how many products of each specification it has at each site."""
    found: dict[int | None, Counter[Place]] = defaultdict(Counter)
    rows = _there().filter(account__root__in=roots).values_list("account__root", "site", "specification")
    for root, site, specification, number in rows.annotate(number=Count("pk")).order_by():
        found[root][site, specification] = number
    return found


def _present(
    lines: list[OrderLine], running: Counter[Place], gone: Mapping[int, Place]
) -> dict[int | None, set[int]]:  # fmt: skip
    """Specifications by site, once these lines are closed."""
    found: dict[int | None, set[int]] = defaultdict(set)
    for line in lines:
        if line.action != "delete":
            found[line.site_id].add(line.specification_id)
    ended = Counter(gone[line.product_id or 0] for line in lines if line.action == "delete" and line.product_id in gone)
    for place, number in running.items():
        if number > ended[place]:
            found[place[0]].add(place[1])
    return found


def _touching(found: list[composition.Clash], lines: list[OrderLine]) -> list[composition.Clash]:
    wanted = {(line.site_id, line.specification_id) for line in lines}
    return [clash for clash in found if any(clash.touches(*one) for one in wanted)]

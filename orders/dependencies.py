"""Dependencies: what a product requires must be there before its line closes, and what it excludes must not."""

from collections import defaultdict

from catalog import composition
from cmdb.models import Product
from orders.models import Order, OrderLine

THERE = (Product.State.ACTIVE, Product.State.SUSPENDED)


def met(order: Order, lines: list[OrderLine]) -> list[OrderLine]:
    """Of lines that are done, those whose requirements are met by what is active or done together with them."""
    adding = [line for line in lines if line.action == "add"]
    if not adding:
        return lines
    broken = clashes(order, lines)
    return [
        line for line in lines
        if line.action != "add" or not any(clash.touches(line.site_id, line.specification_id) for clash in broken)
    ]  # fmt: skip


def clashes(order: Order, lines: list[OrderLine]) -> list[composition.Clash]:
    """Rules that would be broken if these lines closed now, in words."""
    present: dict[int | None, set[int]] = defaultdict(set)
    for line in lines:
        if line.action != "delete":
            present[line.site_id].add(line.specification_id)
    running = Product.objects.filter(account__root=order.account.root_id, state__in=THERE)
    ending = {line.product_id for line in lines if line.action == "delete"}
    for site, specification in running.exclude(pk__in=ending).values_list("site", "specification"):
        present[site].add(specification)
    wanted = {(line.site_id, line.specification_id) for line in lines}
    return [clash for clash in composition.missing_requirements(present) if any(clash.touches(*one) for one in wanted)]

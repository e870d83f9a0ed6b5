"""Pair trial: what a rule between products would break at customers and in open orders, before it is kept."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog import composition
from catalog.models import Specification
from cmdb.models import Product
from crm.models import Account, Site
from kernel.models import User
from orders import queries
from orders.checks import LIVING
from orders.models import Order, OrderLine


@dataclass(frozen=True)
class Break:
    """One thing that would break the rule: an order, or what a customer has."""

    account: str
    site: str
    text: str
    order: Order | None = None


@dataclass
class Found:
    """Everything that would break it, orders first; how much was looked at."""

    breaks: list[Break] = field(default_factory=list)
    orders: int = 0
    customers: int = 0

    @property
    def in_orders(self) -> int:
        """How many orders would be warned."""
        return len({one.order.pk for one in self.breaks if one.order})


def try_out(*, source: Specification, kind: str, scope: str, targets: Sequence[Specification], by: User) -> Found:
    """What the rule would break among what this person may see; a handful of queries for any number of customers."""
    rules = composition.rule_of(source, kind, scope, targets)
    wanted = {rule.source_id for rule in rules}
    found = Found()
    installed = _installed(wanted, by)
    orders = list(_orders(wanted, by))
    lines: dict[int, list[OrderLine]] = defaultdict(list)
    for line in OrderLine.objects.filter(order__in=orders).exclude(action="delete"):
        lines[line.order_id].append(line)
    sites, accounts = _names(installed, lines)
    known: set[tuple[int, int | None]] = set()
    for root, present in installed.items():
        for clash in composition.broken(rules, present):
            known.add((root, clash.site_id))
            found.breaks.append(Break(accounts.get(root, ""), sites.get(clash.site_id or 0, ""), clash.text))
    found.customers, found.orders = len(installed), len(orders)
    in_orders: list[Break] = []
    for order in orders:
        root = order.account.root_id or order.account_id
        present = {site: set(keys) for site, keys in installed.get(root, {}).items()}
        for line in lines[order.pk]:
            present.setdefault(line.site_id, set()).add(line.specification_id)
        for clash in composition.broken(rules, present):
            if (root, clash.site_id) not in known:
                where = sites.get(clash.site_id or 0, "")
                in_orders.append(Break(order.account.name, where, clash.text, order))
    found.breaks = in_orders + found.breaks
    return found


def _installed(wanted: Iterable[int], by: User) -> dict[int, dict[int | None, set[int]]]:
    """Customer → site → products there, of every customer that has or orders what the rule is about."""
    rows = Product.objects.visible_to(by).filter(state__in=LIVING)
    roots = set(rows.filter(specification__in=wanted).values_list("account__root", flat=True))
    ordered = _orders(wanted, by).values_list("account__root", flat=True)
    found: dict[int, dict[int | None, set[int]]] = {}
    known = rows.filter(account__root__in=roots | set(ordered)).values_list("account__root", "site", "specification")
    for root, site, specification in known:
        found.setdefault(root, defaultdict(set))[site].add(specification)
    return found


def _orders(wanted: Iterable[int], by: User) -> Any:
    rows = Order.objects.visible_to(by).exclude(state__in=queries.ENDED).filter(lines__specification__in=wanted)
    return rows.select_related("account").distinct().order_by("-pk")


def _names(
    installed: dict[int, dict[int | None, set[int]]], lines: dict[int, list[OrderLine]]
) -> tuple[dict[int, str], dict[int, str]]:
    keys = {site for by_site in installed.values() for site in by_site if site}
    keys |= {line.site_id for of_order in lines.values() for line in of_order if line.site_id}
    sites = dict(Site.objects.filter(pk__in=keys).values_list("pk", "name"))
    return sites, dict(Account.objects.filter(pk__in=list(installed)).values_list("pk", "name"))


__all__ = ["Break", "Found", "try_out"]

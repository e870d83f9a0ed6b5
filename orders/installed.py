"""Installed: what stands below a product already, and what a target makes of it: add, modify, delete or nothing."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from catalog.models import DecompositionRule, Specification
from cmdb import replacing
from cmdb.models import Product, Resource, ResourceUse, Service, ServiceRelation
from fulfillment.models import Action
from orders.models import Order, OrderLine
from orders.tree import WALKED, Node, Tree

KEEP = "keep"
STANDING = (Service.State.RESERVED, Service.State.INACTIVE, Service.State.ACTIVE)
Merge = DecompositionRule.Merge


@dataclass
class Standing:
    """One installed service or resource with what it stands on."""

    record: Service | Resource
    specification: Specification
    below: list["Standing"] = field(default_factory=list)


@dataclass(frozen=True)
class Surplus:
    """Parts of one kind below one parent of which a line wants fewer than there are; which of them end is chosen."""

    line_id: int
    specification: Specification
    wanted: int
    standing: tuple[Standing, ...]

    @property
    def ends(self) -> int:
        """How many of them end."""
        return len(self.standing) - self.wanted


def compute_actions(order: Order, tree: Tree, lines: Iterable[OrderLine]) -> list[Surplus]:
    """Say for every node what has to happen to an instance, from the inventory against the target.

    Where fewer parts are wanted than there are, those that the line names (`ending`) end, else the last ones; the
    answer tells where such a choice is.
    """
    found: list[Surplus] = []
    lines = list(lines)
    changing = [line for line in lines if line.action != "add" and (line.product_id or line.service_id)]
    standing = _below(changing)
    kept = _needed_by_others(order, changing, standing)
    for line in changing:
        root = tree.nodes[f"{line.key}/{line.specification.key}"]
        root.installed = line.service
        if line.action in WALKED:
            _walk(tree, root, _alone(standing[line.pk], kept), line.action)
        else:
            found += _match(tree, root, standing[line.pk])
            _prune(tree, root)
    _reuse_shared(order, tree)
    return found


def _below(lines: list[OrderLine]) -> dict[int, list[Standing]]:
    """Line key → what stands directly below its product or service, each with its whole tree; a query per level."""
    if not lines:
        return {}
    through = Service.products.through.objects.filter(product__in=[line.product_id for line in lines])
    tops = list(through.values_list("product_id", "service_id"))
    services: dict[int, Standing] = {}
    over: dict[int, list[int]] = defaultdict(list)
    level = {service for _, service in tops} | {line.service_id for line in lines if line.service_id}
    while level := level - services.keys():
        rows = (
            Service.objects.filter(pk__in=level).exclude(state=Service.State.TERMINATED).select_related("specification")
        )
        services |= {row.pk: Standing(row, row.specification) for row in rows}
        relations = list(
            ServiceRelation.objects.filter(service__in=level).order_by("pk").values_list("service_id", "on_id")
        )
        for above, on in relations:
            over[above].append(on)
        level = {on for _, on in relations}
    for above, ons in over.items():
        if above in services:
            services[above].below += [services[on] for on in ons if on in services]
    uses = ResourceUse.objects.filter(service__in=services).exclude(resource__state="retired")
    uses = uses.select_related("resource__specification").order_by("pk")
    for use in uses:
        services[use.service_id].below.append(Standing(use.resource, use.resource.specification))
    by_product: dict[int, list[Standing]] = defaultdict(list)
    for product, service in tops:
        if service in services:
            by_product[product].append(services[service])
    return {
        line.pk: services[line.service_id].below if line.service_id else by_product[line.product_id or 0]
        for line in lines
    }


def _needed_by_others(
    order: Order, lines: list[OrderLine], standing: dict[int, list[Standing]]
) -> set[Service | Resource]:
    """Parts below what rests, goes on or ends that another working product stands on as well."""
    found: set[Service | Resource] = set()
    for action in WALKED & {line.action for line in lines}:
        same = [line for line in lines if line.action == action]
        parts = {part for line in same for top in standing[line.pk] for part in _flat(top)}
        services, resources = (
            {part.pk: part for part in parts if isinstance(part, kind)} for kind in (Service, Resource)
        )
        going = Q(pk__in=[line.product_id for line in same if line.product_id])
        alone = Q(pk__in=[line.service_id for line in same if line.service_id])
        if action != Action.DELETE:
            here = Q(account__root=order.account.root_id)
            going |= here & Q(state=Product.State.SUSPENDED)
            alone |= here & Q(state=Service.State.INACTIVE, on_its_own=True)
        leaving = set(Product.objects.filter(going).values_list("number", flat=True))
        leaving |= set(Service.objects.filter(alone).values_list("number", flat=True))
        needed = replacing.needed(services, resources, leaving)
        found |= {services[pk] for pk in needed[0]} | {resources[pk] for pk in needed[1]}
    return found


def _flat(one: Standing) -> Iterator[Service | Resource]:
    yield one.record
    for below in one.below:
        yield from _flat(below)


def _alone(standing: list[Standing], kept: set[Service | Resource]) -> list[Standing]:
    """What stands for these products alone; what another one needs is left as it is, with all below it."""
    return [
        Standing(one.record, one.specification, _alone(one.below, kept)) for one in standing if one.record not in kept
    ]


def _walk(tree: Tree, parent: Node, standing: list[Standing], action: str) -> None:
    """Nodes for everything installed below, without rules."""
    for one in standing:
        path = f"{parent.path}/{one.specification.key}:{one.record.number}"
        if path in tree.nodes:
            continue
        node = Node(
            path, parent.line, one.specification, parent.about, dict(one.record.characteristics), parent, None,
            parent.depth + 1, site_id=one.record.site_id, account_id=one.record.account_id or parent.account_id,
            action=action, installed=one.record,
        )  # fmt: skip
        tree.nodes[path] = node
        _walk(tree, node, one.below, action)


def _match(tree: Tree, parent: Node, standing: list[Standing]) -> list[Surplus]:
    """Pair target nodes with installed ones of the same specification, in order; pair their parts likewise."""
    left: dict[str, list[Standing]] = defaultdict(list)
    for one in standing:
        left[one.specification.key].append(one)
    targets = tree.children(parent)
    surplus = _surplus(parent.line, left, Counter(node.specification.key for node in targets))
    for node in targets:
        found = left[node.specification.key].pop(0) if left[node.specification.key] else None
        if found is None:
            continue
        node.installed = found.record
        node.action = "modify" if _differs(tree, node, found.record.characteristics) else KEEP
        surplus += _match(tree, node, found.below)
    for rest in left.values():
        _walk(tree, parent, rest, "delete")
    return surplus


def _surplus(line: OrderLine, left: dict[str, list[Standing]], wanted: Counter[str]) -> list[Surplus]:
    """Where a choice is; those that were chosen to end are put last, so that they find no target."""
    found = []
    for key, ones in left.items():
        if 0 < wanted[key] < len(ones):
            found.append(Surplus(line.pk, ones[0].specification, wanted[key], tuple(ones)))
            ones.sort(key=lambda one: one.record.number in line.ending)
    return found


def _differs(tree: Tree, node: Node, installed: dict[str, Any]) -> bool:
    known = tree.catalogue.characteristics.get(node.specification.pk, {})
    return any(
        key in node.values and node.values[key] != installed.get(key) for key, c in known.items() if c.significant
    )


def _prune(tree: Tree, node: Node) -> bool:
    """Drop what stays as it is; what stays but carries a change below is modified. True when something changes."""
    changes = False
    for child in tree.children(node):
        changes = _prune(tree, child) or changes
    if node.action == KEEP:
        if not changes:
            tree.drop(node)
            return False
        node.action = "modify"
    return True


def _reuse_shared(order: Order, tree: Tree) -> None:
    """What a rule merges per site or account and is installed already is changed, not built a second time."""
    wanted = {
        node.path: (node.specification.key, node.site_id if node.rule.merge == Merge.SITE else None)
        for node in tree.nodes.values()
        if node.rule and node.rule.merge in (Merge.SITE, Merge.ACCOUNT) and node.installed is None
    }
    if not wanted:
        return
    keys = {key for key, _ in wanted.values()}
    about = {"specification__key__in": keys, "account__root": order.account.root_id}
    rows: list[Service | Resource] = [
        *Service.objects.filter(**about, state__in=STANDING).exclude(order_number=order.number)
        .select_related("specification").order_by("pk"),
        *Resource.objects.filter(**about, state="in_service").exclude(order_number=order.number)
        .select_related("specification").order_by("pk"),
    ]  # fmt: skip
    have: dict[tuple[str, int | None], Service | Resource] = {}
    for row in rows:
        have.setdefault((row.specification.key, row.site_id), row)
        have.setdefault((row.specification.key, None), row)
    for path, key in wanted.items():
        if found := have.get(key):
            tree.nodes[path].installed, tree.nodes[path].action = found, "modify"

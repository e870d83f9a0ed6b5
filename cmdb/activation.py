"""Activation: what was ordered exists and works; the inventory says what stands on what."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from cmdb import announcing, topology
from cmdb.models import Product, Resource, Service
from kernel import audit, lifecycle, numbering
from kernel.models import User

STAGES = ("designed", "reserved", "installed", "active")
SERVICE_MOVES = (Service.design, Service.reserve, Service.install, Service.activate)
RESOURCE_MOVES = ((), (Resource.reserve,), (Resource.install,), (Resource.put_in_service,))


@dataclass(frozen=True)
class Realized:
    """One node of a decomposition tree that exists now; its domain order's number is its identity.

    `parents` and `children` are numbers of neighbouring nodes. A link is drawn as soon as both its ends exist, so nodes
    may come one by one and in any order. `products` are products that this node realises directly.
    """

    domain_order: str
    kind: str  # cfs, rfs or resource
    name: str
    specification_id: int
    account_id: int
    site_id: int | None = None
    order_number: str = ""
    characteristics: dict[str, Any] = field(default_factory=dict)
    parents: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    products: tuple[int, ...] = ()
    role: str = ""
    on_its_own: bool = False


@dataclass(frozen=True)
class Installed:
    """What realising made or found: domain order number → key."""

    services: dict[str, int]
    resources: dict[str, int]


@transaction.atomic
def activate_products(ids: Iterable[int], at: dt.datetime, by: User | None) -> list[int]:
    """Products that were expected are the customer's from `at` on. Returns those that moved; others are left alone."""
    rows = Product.objects.filter(pk__in=list(ids), state=Product.State.PENDING_ACTIVE)
    moved = lifecycle.move_many(rows, Product.activate, by=by, started_at=at)
    announcing.products(moved, Product.State.ACTIVE)
    return moved


@transaction.atomic
def realize(nodes: list[Realized], by: User | None, *, at: dt.datetime, stage: str = "active") -> Installed:
    """Create services and resources that do not exist yet, bring all to `stage`, and link them.

    Safe to repeat: a domain order has one service or resource, values are brought up to date, nothing moves back.
    """
    if stage not in STAGES:
        raise ValueError(f"No stage {stage!r}")
    services, of_services = _rows(Service, [node for node in nodes if node.kind in ("cfs", "rfs")], by)
    resources, of_resources = _rows(Resource, [node for node in nodes if node.kind == "resource"], by)
    steps = STAGES.index(stage) + 1
    for number, move in enumerate(SERVICE_MOVES[:steps]):
        starts: dict[str, Any] = {"started_at": at} if STAGES[number] == "active" else {}
        _advance(Service, of_services, move, by, **starts)
    for moves in RESOURCE_MOVES[:steps]:
        for move in moves:
            _advance(Resource, of_resources, move, by)
    topology.link([topology.Edges(n.domain_order, n.parents, n.children, n.products, n.role) for n in nodes])
    return Installed(services, resources)


def _rows(model: Any, nodes: list[Realized], by: User | None) -> tuple[dict[str, int], dict[int, str]]:
    """Domain order → key, and the states of the rows, which are locked."""
    if not nodes:
        return {}, {}
    numbers = numbering.take_many(model.PREFIX, len(nodes))
    model.objects.bulk_create(
        [
            model(
                number=number, name=node.name[:120], specification_id=node.specification_id, account_id=node.account_id,
                site_id=node.site_id, characteristics=node.characteristics, order_number=node.order_number,
                domain_order=node.domain_order, **({"on_its_own": node.on_its_own} if model is Service else {}),
            )
            for node, number in zip(nodes, numbers, strict=True)
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    rows = model.objects.filter(domain_order__in=[node.domain_order for node in nodes]).order_by("pk")
    found = list(rows.select_for_update(of=("self",), no_key=True))
    audit.record_many("created", [row for row in found if row.number in set(numbers)], by=by)
    _update_values(model, found, {node.domain_order: node for node in nodes}, by)
    return {row.domain_order: row.pk for row in found}, {row.pk: str(row.state) for row in found}


def _update_values(model: Any, rows: list[Any], nodes: dict[str, Realized], by: User | None) -> None:
    changed = []
    for row in rows:
        values = row.characteristics | nodes[row.domain_order].characteristics
        if values != row.characteristics:
            audit.record("edited", row, by=by, changes=audit.difference(row.characteristics, values))
            row.characteristics = values
            changed.append(row)
    if changed:
        model.objects.bulk_update(changed, ["characteristics"])


def _advance(model: Any, states: dict[int, str], move: Callable[..., Any], by: User | None, **changes: Any) -> None:
    """One step forward, for the rows that stand right before it; `states` follows."""
    moved = lifecycle.move_many(model.objects.all(), move, by=by, locked=list(states.items()), **changes)
    target = lifecycle.target_of(move)
    states.update(dict.fromkeys(moved, target))

"""Termination: products end, and what stood only for them goes out of service."""

import datetime as dt
from collections.abc import Iterable

from django.db import transaction

from cmdb import announcing, carrying
from cmdb.models import Product, Resource, Service
from kernel import lifecycle
from kernel.models import User


@transaction.atomic
def expect_end(ids: Iterable[int], by: User | None) -> list[int]:
    """Active products that an approved order will end."""
    return _moved(Product.expect_end, ids, Product.State.PENDING_TERMINATE, by)


@transaction.atomic
def cancel_products(ids: Iterable[int], by: User | None) -> list[int]:
    """Products that never came to be, because their order was cancelled."""
    return _moved(Product.cancel, ids, Product.State.CANCELLED, by)


@transaction.atomic
def abort_products(ids: Iterable[int], by: User | None) -> list[int]:
    """Products that never came to be, because they could not be delivered."""
    return _moved(Product.abort, ids, Product.State.ABORTED, by)


@transaction.atomic
def terminate_products(ids: Iterable[int], at: dt.datetime, by: User | None) -> list[int]:
    """End products that were expected to end, with the services and resources that nothing else stands on."""
    moved = _moved(Product.terminate, ids, Product.State.TERMINATED, by, ended_at=at)
    if not moved:
        return []
    freed = carrying.freed(carrying.LIVE, products=moved)
    lifecycle.move_many(Service.objects.filter(pk__in=freed), Service.terminate, by=by, ended_at=at)
    unused = Resource.objects.filter(used_by__service__in=freed).exclude(
        used_by__service__in=Service.objects.exclude(state=Service.State.TERMINATED)
    )
    rows = Resource.objects.filter(pk__in=unused.values("pk"))
    lifecycle.move_many(rows, Resource.retire, by=by)
    return moved


def _moved(transition: object, ids: Iterable[int], state: str, by: User | None, **changes: object) -> list[int]:
    moved = lifecycle.move_many(Product.objects.filter(pk__in=list(ids)), transition, by=by, **changes)  # type: ignore[arg-type]
    announcing.products(moved, state)
    return moved

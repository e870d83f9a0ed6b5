"""Suspension: products are switched off for a time and on again, with the services that stand only for them."""

from collections.abc import Iterable

from django.db import transaction

from cmdb import announcing, carrying
from cmdb.models import Product, Service
from kernel import lifecycle
from kernel.models import User


@transaction.atomic
def suspend_products(ids: Iterable[int], by: User | None) -> list[int]:
    """Active products rest; services that no working product stands on are switched off. Returns those that moved."""
    moved = lifecycle.move_many(Product.objects.filter(pk__in=list(ids)), Product.suspend, by=by)
    announcing.products(moved, Product.State.SUSPENDED)
    idle = carrying.freed(carrying.AT_WORK, products=moved) if moved else ()
    lifecycle.move_many(Service.objects.filter(pk__in=idle), Service.deactivate, by=by)
    return moved


@transaction.atomic
def resume_products(ids: Iterable[int], by: User | None) -> list[int]:
    """Suspended products work again, with all services below them. Returns those that moved."""
    moved = lifecycle.move_many(Product.objects.filter(pk__in=list(ids)), Product.resume, by=by)
    announcing.products(moved, Product.State.ACTIVE)
    below = carrying.below(products=moved) if moved else ()
    lifecycle.move_many(Service.objects.filter(pk__in=below), Service.activate, by=by)
    return moved


@transaction.atomic
def suspend_services(ids: Iterable[int], by: User | None) -> list[int]:
    """Services that were ordered by themselves rest, with those that stand only for them. Returns all that moved."""
    moved = lifecycle.move_many(Service.objects.filter(pk__in=list(ids)), Service.deactivate, by=by)
    idle = carrying.freed(carrying.AT_WORK, services=moved) if moved else ()
    return moved + lifecycle.move_many(Service.objects.filter(pk__in=idle), Service.deactivate, by=by)


@transaction.atomic
def resume_services(ids: Iterable[int], by: User | None) -> list[int]:
    """They work again, with all below them. Returns all that moved."""
    moved = lifecycle.move_many(Service.objects.filter(pk__in=list(ids)), Service.activate, by=by)
    below = carrying.below(services=moved) if moved else ()
    return moved + lifecycle.move_many(Service.objects.filter(pk__in=below), Service.activate, by=by)

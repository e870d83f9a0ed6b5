"""Replacing: what an order changes below a product: new values of parts that stay, the end of those too many."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from cmdb import carrying
from cmdb.models import Resource, ResourceUse, Service
from kernel import audit, lifecycle
from kernel.models import User


@transaction.atomic
def change_parts(model: type[Service] | type[Resource], wanted: Mapping[int, dict[str, Any]], by: User | None) -> None:
    """Services or resources (key → values) that stay have the values that they were changed to."""
    changed = []
    for row in model.objects.locked_all(wanted):
        if differing := audit.difference(row.characteristics, wanted[row.pk]):
            row.characteristics = row.characteristics | wanted[row.pk]
            changed.append((row, differing))
    model.objects.bulk_update([row for row, _ in changed], ["characteristics"])
    audit.record_each("changed", changed, by=by)


@transaction.atomic
def end_parts(
    services: Iterable[int], resources: Iterable[int], at: dt.datetime, by: User | None
) -> None:  # fmt: skip
    """End services and resources that their product no longer needs; what another product stands on stays."""
    ended, unused = sorted(services), sorted(resources)
    if ended:
        free = set(ended) - carrying.shared((pk, pk) for pk in ended)
        lifecycle.move_many(Service.objects.filter(pk__in=free), Service.terminate, by=by, ended_at=at)
    if unused:
        uses = ResourceUse.objects.filter(resource__in=unused).values_list("resource_id", "service_id")
        free = set(unused) - carrying.shared(uses)
        lifecycle.move_many(Resource.objects.filter(pk__in=free), Resource.retire, by=by)


def needed(services: Iterable[int], resources: Iterable[int], leaving: Iterable[str]) -> tuple[set[int], set[int]]:
    """Those of services and of resources that carry something whose number is none of the `leaving` ones."""
    uses = ResourceUse.objects.filter(resource__in=list(resources)).values_list("resource_id", "service_id")
    gone = list(leaving)
    return carrying.needed(((pk, pk) for pk in services), gone), carrying.needed(uses, gone)

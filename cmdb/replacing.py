"""Replacing: what an order changes below a product: new values of parts that stay, the end of those too many."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection, transaction

from cmdb.models import Resource, ResourceUse, Service
from kernel import audit, lifecycle
from kernel.models import User

# Of pairs (part, service that it is or that uses it): the parts with what they carry, the number of a living product or
# of a service that was ordered by itself.
_CARRIED = """
WITH RECURSIVE above (part, id) AS (
    SELECT part, service FROM unnest(%s::bigint[], %s::bigint[]) AS own (part, service)
  UNION
    SELECT above.part, relation.service_id FROM above JOIN cmdb_servicerelation relation ON relation.on_id = above.id
), carried (part, by) AS (
    SELECT above.part, product.number FROM above
    JOIN cmdb_service_products realised ON realised.service_id = above.id
    JOIN cmdb_product product ON product.id = realised.product_id
    WHERE product.state NOT IN ('terminated', 'cancelled', 'aborted')
  UNION
    SELECT above.part, service.number FROM above JOIN cmdb_service service ON service.id = above.id
    WHERE service.on_its_own AND service.state <> 'terminated'
)
"""
SHARED = _CARRIED + "SELECT part FROM carried GROUP BY part HAVING count(DISTINCT by) > 1"  # noqa: S608 – our own words
NEEDED = _CARRIED + "SELECT DISTINCT part FROM carried WHERE by <> ALL(%s::text[])"  # noqa: S608 – our own words


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
        free = set(ended) - _shared([(pk, pk) for pk in ended])
        lifecycle.move_many(Service.objects.filter(pk__in=free), Service.terminate, by=by, ended_at=at)
    if unused:
        uses = ResourceUse.objects.filter(resource__in=unused).values_list("resource_id", "service_id")
        free = set(unused) - _shared(list(uses))
        lifecycle.move_many(Resource.objects.filter(pk__in=free), Resource.retire, by=by)


def needed(services: Iterable[int], resources: Iterable[int], leaving: Iterable[str]) -> tuple[set[int], set[int]]:
    """Those of services and of resources that carry something whose number is none of the `leaving` ones."""
    uses = ResourceUse.objects.filter(resource__in=list(resources)).values_list("resource_id", "service_id")
    gone = list(leaving)
    with connection.cursor() as cursor:
        answers = []
        for pairs in ([(pk, pk) for pk in services], list(uses)):
            cursor.execute(NEEDED, [[part for part, _ in pairs], [service for _, service in pairs], gone])
            answers.append({part for (part,) in cursor.fetchall()})
    return answers[0], answers[1]


def _shared(pairs: list[tuple[int, int]]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(SHARED, [[part for part, _ in pairs], [service for _, service in pairs]])
        return {part for (part,) in cursor.fetchall()}

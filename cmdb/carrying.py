"""Carrying: which services lie below products, and which products or services of their own stand on a part."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from cmdb.models import Product, Service
from cmdb.queries import LIVING

State = Service.State

Pairs = Iterable[tuple[int, int]]


@dataclass(frozen=True)
class Carried:
    """What counts as standing on a part: products in these states, and services of their own in these."""

    products: tuple[str, ...]
    services: tuple[str, ...]


LIVE = Carried(LIVING, tuple(state for state in State.values if state != State.TERMINATED))
AT_WORK = Carried(
    (Product.State.PENDING_ACTIVE, Product.State.ACTIVE, Product.State.PENDING_TERMINATE),
    tuple(state for state in State.values if state not in (State.TERMINATED, State.INACTIVE)),
)

_BELOW = """
WITH RECURSIVE below (id) AS (
    (SELECT service_id FROM cmdb_service_products WHERE product_id = ANY(%(products)s::bigint[])
      UNION SELECT on_id FROM cmdb_servicerelation WHERE service_id = ANY(%(services)s::bigint[]))
  UNION
    SELECT relation.on_id FROM below JOIN cmdb_servicerelation relation ON relation.service_id = below.id
)
"""
_PARTS = """
WITH RECURSIVE own (part, id) AS (SELECT part, service FROM unnest(%(parts)s::bigint[], %(users)s::bigint[])
    AS own (part, service))
"""
# Of pairs `own` (part, service that it is or that uses it): the parts with what they carry, directly or through other
# services: the number of a product, or of a service that was ordered by itself, in one of the states.
_CARRIED = """
, above (part, id) AS (
    SELECT part, id FROM own
  UNION
    SELECT above.part, relation.service_id FROM above JOIN cmdb_servicerelation relation ON relation.on_id = above.id
), carried (part, by) AS (
    SELECT above.part, product.number FROM above
    JOIN cmdb_service_products realised ON realised.service_id = above.id
    JOIN cmdb_product product ON product.id = realised.product_id
    WHERE product.state = ANY(%(by_products)s::text[])
  UNION
    SELECT above.part, service.number FROM above JOIN cmdb_service service ON service.id = above.id
    WHERE service.on_its_own AND service.state = ANY(%(by_services)s::text[])
)
"""
_OWN = ", own (part, id) AS (SELECT id, id FROM below)"
BELOW = _BELOW + "SELECT id FROM below"  # noqa: S608 – our own words
FREED = _BELOW + _OWN + _CARRIED + "SELECT id FROM below EXCEPT SELECT part FROM carried"  # noqa: S608 – our own words
SHARED = _PARTS + _CARRIED + "SELECT part FROM carried GROUP BY part HAVING count(DISTINCT by) > 1"  # noqa: S608 – our own words
NEEDED = _PARTS + _CARRIED + "SELECT DISTINCT part FROM carried WHERE by <> ALL(%(leaving)s::text[])"  # noqa: S608 – our own words


def below(*, products: Iterable[int] = (), services: Iterable[int] = ()) -> set[int]:
    """Services that products or services stand on, directly or through others."""
    return _asked(BELOW, products=list(products), services=list(services))


def freed(by: Carried, *, products: Iterable[int] = (), services: Iterable[int] = ()) -> set[int]:
    """Those of the services below that nothing stands on which counts."""
    return _asked(FREED, products=list(products), services=list(services), **_counting(by))


def shared(pairs: Pairs) -> set[int]:
    """Of pairs (part, service that it is or that uses it): parts that carry more than one living thing."""
    return _asked(SHARED, **_split(pairs), **_counting(LIVE))


def needed(pairs: Pairs, leaving: Iterable[str]) -> set[int]:
    """Of such pairs: parts that carry something living whose number is none of the `leaving` ones."""
    return _asked(NEEDED, **_split(pairs), **_counting(LIVE), leaving=list(leaving))


def _counting(by: Carried) -> dict[str, list[str]]:
    return {"by_products": list(by.products), "by_services": list(by.services)}


def _split(pairs: Pairs) -> dict[str, list[int]]:
    known = list(pairs)
    return {"parts": [part for part, _ in known], "users": [service for _, service in known]}


def _asked(sql: str, **values: Any) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return {pk for (pk,) in cursor.fetchall()}

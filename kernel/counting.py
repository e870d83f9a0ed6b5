"""Counting: how many rows a list has, exactly where that is quick and else as the database estimates it."""

from typing import Any

from django.db import connection, models

EXACTLY_UP_TO = 10_000
FACTS = """
SELECT (SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass), (SELECT max({key}) FROM {table})
"""


def counted(found: models.QuerySet[Any]) -> int:
    """How many match, counted up to one more than is told exactly; nothing but the keys is asked for."""
    return found.order_by().values("pk")[: EXACTLY_UP_TO + 1].count()


def measured(model: type[models.Model]) -> tuple[int, int]:
    """How many rows the database believes a table to have, and the key of the newest."""
    table, key = connection.ops.quote_name(model._meta.db_table), connection.ops.quote_name(str(model._meta.pk.column))
    with connection.cursor() as cursor:
        cursor.execute(FACTS.format(key=key, table=table), [table])
        estimate, newest = cursor.fetchone() or (0, 0)
    return int(estimate), int(newest or 0)


def told(found: models.QuerySet[Any], *, filtered: bool, estimate: int) -> tuple[int, str]:
    """How many match, and the words for it: exact up to 10,000, then an estimate, or “10,000+” under a filter."""
    everything = not filtered and not found.query.where.children
    if everything and estimate > EXACTLY_UP_TO:
        return EXACTLY_UP_TO + 1, f"about {estimate:,}"
    count = counted(found)
    if count <= EXACTLY_UP_TO:
        return count, f"{count:,}"
    return count, f"about {EXACTLY_UP_TO:,}" if everything else f"{EXACTLY_UP_TO:,}+"

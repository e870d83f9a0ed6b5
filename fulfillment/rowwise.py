"""Row by row in one statement: an UPDATE that gives each row its own values."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, models
from psycopg import sql

CASTS = {"JSONField": "jsonb", "DateField": "date", "DateTimeField": "timestamptz", "CharField": "text"}


def keys(numbers: Iterable[int]) -> str:
    """Numbers as PostgreSQL reads an array, many times faster than one parameter each."""
    return f"{{{','.join(map(str, numbers))}}}"


def write(
    model: type[models.Model], columns: Sequence[str], rows: Mapping[int, Sequence[Any]], *, only_free: bool = False
) -> int:
    """Set `columns` of each row by key, whatever the number of rows in one statement. Never for lifecycle fields.

    Returns how many rows were left: with `only_free` those that another transaction holds.
    """
    if not rows:
        return 0
    fields = [model._meta.get_field(name) for name in columns]
    casts = [CASTS.get(field.get_internal_type(), "bigint") for field in fields]
    names = [sql.Identifier(str(field.column)) for field in fields]  # type: ignore[union-attr]
    sets = sql.SQL(", ").join(
        sql.SQL("{0} = v.{0}{1}").format(name, sql.SQL("::jsonb" if cast == "jsonb" else ""))
        for name, cast in zip(names, casts, strict=True)
    )
    arrays = sql.SQL(", ").join(sql.SQL(f"%s::{'text' if cast == 'jsonb' else cast}[]") for cast in casts)
    statement = sql.SQL(
        "UPDATE {table} AS t SET {sets} FROM unnest(%s::bigint[], {arrays}) AS v(id, {names}) WHERE t.id = v.id{free}"
    )
    free = sql.SQL(" AND t.id IN (SELECT id FROM {} WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)")

    values = [
        [json.dumps(row[n], default=str) if cast == "jsonb" else row[n] for row in rows.values()]
        for n, cast in enumerate(casts)
    ]
    with connection.cursor() as cursor:
        text = statement.format(
            table=sql.Identifier(model._meta.db_table), sets=sets, arrays=arrays, names=sql.SQL(", ").join(names),
            free=free.format(sql.Identifier(model._meta.db_table)) if only_free else sql.SQL(""),
        )  # fmt: skip
        own = keys(rows)
        cursor.execute(text.as_string(connection.connection), [own, *values, *([own] if only_free else [])])
        return len(rows) - int(cursor.rowcount)

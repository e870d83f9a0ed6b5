"""Row by row in one statement: an UPDATE that gives each row its own values."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models
from psycopg import sql

CASTS = {"JSONField": "jsonb", "DateField": "date", "DateTimeField": "timestamptz", "CharField": "text"}


def write(model: type[models.Model], columns: Sequence[str], rows: Mapping[int, Sequence[Any]]) -> None:
    """Set `columns` of each row by key, whatever the number of rows in one statement. Never for lifecycle fields."""
    if not rows:
        return
    fields = [model._meta.get_field(name) for name in columns]
    casts = [CASTS.get(field.get_internal_type(), "bigint") for field in fields]
    names = [sql.Identifier(str(field.column)) for field in fields]  # type: ignore[union-attr]
    sets = sql.SQL(", ").join(
        sql.SQL("{0} = v.{0}{1}").format(name, sql.SQL("::jsonb" if cast == "jsonb" else ""))
        for name, cast in zip(names, casts, strict=True)
    )
    arrays = sql.SQL(", ").join(sql.SQL(f"%s::{'text' if cast == 'jsonb' else cast}[]") for cast in casts)
    statement = sql.SQL(
        "UPDATE {table} AS t SET {sets} FROM unnest(%s::bigint[], {arrays}) AS v(id, {names}) WHERE t.id = v.id"
    )
    values = [
        [json.dumps(row[n], default=str) if cast == "jsonb" else row[n] for row in rows.values()]
        for n, cast in enumerate(casts)
    ]
    with connection.cursor() as cursor:
        text = statement.format(
            table=sql.Identifier(model._meta.db_table), sets=sets, arrays=arrays, names=sql.SQL(", ").join(names)
        )
        cursor.execute(text.as_string(connection.connection), [list(rows), *values])

"""Bulk: many new rows at once by COPY, with keys taken beforehand, where instances would take the time."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import connection, models
from django.utils import timezone
from psycopg import sql

CHUNK = 500
SPECIAL = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
NEEDS = re.compile(r"[\\\t\n\r]").search


def keys(model: type[models.Model], count: int) -> list[int]:
    """Primary keys for new rows, ascending, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
            [model._meta.db_table, str(model._meta.pk.column), count],
        )
        return sorted(key for (key,) in cursor.fetchall())


def insert(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Store rows in one statement; returns how many. `columns` are field names, foreign keys with their `_id`.

    Fields that are not named get their default, times of creation the present. Values of JSON fields are given as
    Python values. Nothing of `save()` runs, and no instance is made: constraints and triggers of the database hold.
    """
    by_name = {field.attname: field for field in model._meta.concrete_fields}
    rest = [field for name, field in by_name.items() if name not in columns and not field.has_db_default()]
    rest = [field for field in rest if not field.primary_key]
    tail = "".join("\t" + _writer(field)(_default(field)) for field in rest) + "\n"
    write = [_writer(by_name[name]) for name in columns]
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table),
        sql.SQL(", ").join(sql.Identifier(str(field.column)) for field in (*(by_name[n] for n in columns), *rest)),
    )
    count = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for chunk in _chunks(rows):
            copy.write(
                "".join("\t".join([to(value) for to, value in zip(write, row, strict=True)]) + tail for row in chunk)
            )
            count += len(chunk)
    return count


def _chunks(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    rest = iter(rows)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _writer(field: Any) -> Callable[[Any], str]:
    return _json if isinstance(field, models.JSONField) else _cell


def _cell(value: Any) -> str:
    """A value in the text form of COPY."""
    if type(value) is int:
        return str(value)
    if value is None:
        return "\\N"
    text = str(value)
    return text.translate(SPECIAL) if NEEDS(text) else text


def _json(value: Any) -> str:
    return "\\N" if value is None else _cell(json.dumps(value, default=str))


def _default(field: Any) -> Any:
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return timezone.now() if isinstance(field, models.DateTimeField) else timezone.localdate()
    return field.get_default()

"""Copying: very many new rows in one COPY, several times cheaper than inserts through model instances."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import connection, models
from django.utils import timezone

CHUNK = 500
MANY = 2_000  # rows after which the planner looks at the table anew
SPECIAL = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
NEEDS = re.compile(r"[\\\t\n\r]").search
_KEYS = """ARRAY(SELECT nextval(own.series) FROM generate_series(1, %s),
    (SELECT pg_get_serial_sequence(%s, %s)::regclass AS series OFFSET 0) AS own)"""
_encode = json.JSONEncoder(default=str).encode


def keys(model: type[models.Model], count: int) -> list[int]:
    """Primary keys for rows to come, ascending, taken from the table's own sequence in one statement."""
    return keys_of((model, count))[0]


def keys_of(*wanted: tuple[type[models.Model], int]) -> list[list[int]]:
    """`keys` of several models, so many of each, in one statement."""
    values = [(count, model._meta.db_table, model._meta.pk.column) for model, count in wanted]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join([_KEYS] * len(wanted))}", [one for three in values for one in three])
        return [sorted(found) for found in cursor.fetchone()]


def copy(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]], **constant: Any) -> None:
    """Insert rows whose values stand in the order of `names` (attribute names, such as order_id).

    `constant` is the same for every row; columns that neither names get the field's default, times the present moment.
    Values reach the database as they are: model validation and save() do not run, constraints and triggers do.
    """
    fields = {field.attname: field for field in model._meta.concrete_fields}
    rest = [field for name, field in fields.items() if name not in names]
    rest = [field for field in rest if not field.primary_key and not field.has_db_default()]
    tail = "".join("\t" + _writer(field)(constant.get(field.attname, _default(field))) for field in rest) + "\n"
    write = [_writer(fields[name]) for name in names]
    columns = ", ".join(
        connection.ops.quote_name(str(field.column)) for field in [*map(fields.__getitem__, names), *rest]
    )
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as into:
        count = 0
        for chunk in _chunks(rows):
            lines = ("\t".join([cell(value) for cell, value in zip(write, row, strict=True)]) for row in chunk)
            into.write("".join(line + tail for line in lines))
            count += len(chunk)
    if count >= MANY:
        _look_anew(table)


def _look_anew(table: str) -> None:
    """Give the planner a rough idea of what has just come in.

    Without it, statements that follow in the same transaction are planned for the few rows that were there before,
    which for a large order means loops within loops. A tenth of the usual sample is enough; where somebody else looks
    at the table just now, nothing is waited for.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL default_statistics_target = 10")
        cursor.execute(f"ANALYZE (SKIP_LOCKED) {table}")
        cursor.execute("SET LOCAL default_statistics_target TO DEFAULT")


def _default(field: models.Field[Any, Any]) -> Any:
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return timezone.now()
    return field.get_default()


def _chunks(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    rest = iter(rows)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


class _Cells(dict[Any, str]):
    """Values of one column in the text form of COPY, each worked out once."""

    def __missing__(self, value: Any) -> str:
        self[value] = text = _cell(value)
        return text


def _writer(field: models.Field[Any, Any]) -> Callable[[Any], str]:
    if isinstance(field, models.JSONField):
        return _json
    return _cell if field.unique else _Cells().__getitem__


def _cell(value: Any) -> str:
    """A value in the text form of COPY."""
    if type(value) is int:
        return str(value)
    if value is None:
        return "\\N"
    text = str(value)
    return text.translate(SPECIAL) if NEEDS(text) else text


def _json(value: Any) -> str:
    return "\\N" if value is None else _cell(_encode(value))

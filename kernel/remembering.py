"""Remembering: what a process read from tables of configuration, it uses again until one of their rows changes."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.apps import apps
from django.db import connection

T = TypeVar("T")
MOST = 512  # answers that one memory keeps
_once: ContextVar[dict["Memory", str] | None] = ContextVar("once", default=None)


class Memory:
    """Answers read from the tables of these models; whoever gets one leaves it as it is, as others get it too.

    Before each answer one query asks PostgreSQL for the marks of all rows, which change with every write, whoever
    writes. The tables are therefore such as hold hundreds of rows, not orders or quotes.
    """

    def __init__(self, *labels: str) -> None:
        self.labels = labels
        self._state: tuple[str, dict[Hashable, Any]] = ("", {})

    def recall(self, key: Hashable, read: Callable[[], T]) -> T:
        """The answer that was read under this key, or read now; `key` names all that it depends on beside the rows."""
        mark = self._mark()
        state = self._state
        if state[0] != mark or len(state[1]) >= MOST:
            self._state = state = (mark, {})
        known = state[1]
        if key not in known:
            known[key] = read()  # read after the mark, so what changes meanwhile makes the next mark another one
        answer: T = known[key]
        return answer

    def _mark(self) -> str:
        held = _once.get()
        if held is None:
            return self._asked()
        if self not in held:
            held[self] = self._asked()
        return held[self]

    def _asked(self) -> str:
        tables = [apps.get_model(label)._meta.db_table for label in self.labels]
        sums = ", ".join(
            f"(SELECT sum(hashtextextended(xmin::text || ctid::text, 0)) FROM {connection.ops.quote_name(table)})"  # noqa: S608 – names of our tables
            for table in tables
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT concat_ws(' ', pg_postmaster_start_time(), current_database(), {sums})")
            mark: str = cursor.fetchone()[0]
        return mark


@contextmanager
def once() -> Iterator[None]:
    """Within this block the marks are asked for once: what holds at its beginning holds to its end."""
    token = _once.set({})
    try:
        yield
    finally:
        _once.reset(token)

"""Reading: the language, the time zone and the day of whoever reads, asked once for all that is drawn at once.

Django is asked for each of them by way of the task that runs, which takes longer than drawing a cell; a list asks a
thousand times. `with reading.at_once():` holds the answers while a page is drawn, where nobody changes the language.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from django.utils import timezone, translation


class Reader(NamedTuple):
    """How things look to the reader."""

    language: str | None
    zone: dt.tzinfo
    today: dt.date


_held: ContextVar[Reader | None] = ContextVar("reader", default=None)


def present() -> Reader:
    """The present reader."""
    return _held.get() or Reader(translation.get_language(), timezone.get_current_timezone(), timezone.localdate())


def language() -> str | None:
    """What the present reader reads."""
    held = _held.get()
    return held.language if held else translation.get_language()


@contextmanager
def at_once() -> Iterator[Reader]:
    """The reader stays the same for all that is drawn inside."""
    reader = present()
    token = _held.set(reader)
    try:
        yield reader
    finally:
        _held.reset(token)

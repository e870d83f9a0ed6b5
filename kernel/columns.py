"""Columns of lists: each knows how it looks in a cell, on a phone, and in an export."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import django_tables2
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from kernel import states
from kernel.markup import put
from kernel.saying import said
from kernel.templatetags import trunkline as tags

Cell = SafeString | str


def reach(record: Any, path: str) -> Any:
    """The value at a dotted or __ path, None when something on the way is empty; a method is called."""
    for part in path.replace("__", ".").split("."):
        record = getattr(record, part, None)
        if callable(record) and not hasattr(record, "_meta"):
            record = record()
        if record is None:
            return None
    return record


def reaching(path: str) -> Callable[[Any], Any]:
    """`reach` for one path and many records."""
    if "." in path or "__" in path:
        return lambda record: reach(record, path)

    def reached(record: Any) -> Any:
        value = getattr(record, path, None)
        return value() if callable(value) and not hasattr(value, "_meta") else value

    return reached


class Column(django_tables2.Column):  # type: ignore[misc]
    """The base of all columns.

    `sub` is the path of a second line, or a function of the record; `optional` leaves the column out on a phone; an
    `extra` one is shown to whoever chooses it.
    """

    css = ""
    newest_first = False

    def __init__(
        self, *, sub: str | Callable[[Any], Any] = "", optional: bool = False, extra: bool = False, css: str = "",
        **kwargs: Any,
    ) -> None:  # fmt: skip
        self.sub, self.extra = sub, extra
        names = " ".join(filter(None, (self.css, css, "col-opt" if optional else "")))
        kwargs.setdefault("attrs", {"th": {"class": names}, "td": {"class": names}})
        kwargs.setdefault("empty_values", ())
        super().__init__(**kwargs)

    def shown(self, value: Any, record: Any) -> Cell:
        """The cell's first line."""
        return "–" if value in (None, "") else str(value)

    def render(self, value: Any, record: Any, bound_column: Any) -> Cell:
        first, second = self.shown(value, record), self.second(record)
        return first if second in (None, "") else put('{}<span class="sub2">{}</span>', first, said(second))

    def second(self, record: Any) -> Any:
        """The cell's second line, if there is one."""
        if not self.sub:
            return None
        return self.sub(record) if callable(self.sub) else reach(record, self.sub)

    def plain_heads(self, column: Any) -> list[str]:
        """Headings in an export."""
        return [str(column.header)]

    def plain_cells(self, column: Any, record: Any) -> list[Any]:
        """Cells in an export: the raw value, never markup."""
        value = reach(record, str(column.accessor))
        if value is None:
            return [""]
        return [value if isinstance(value, int | float) or hasattr(value, "quantize") else str(value)]


class Text(Column):
    """Words."""


@lru_cache(maxsize=4096)
def _address(name: str, *args: Any) -> str:
    """Working an address out takes longer than drawing the rest of its cell."""
    return reverse(name, args=args)


class Name(Column):
    """What the row is called: a link.

    `url` is a URL name taking `arg` (pk by default; a tuple for several) or a function of the record; without it the
    record's `get_absolute_url` is asked.
    """

    def __init__(
        self, *, url: str | Callable[[Any], str] = "", arg: str | tuple[str, ...] = "pk", **kwargs: Any
    ) -> None:
        self.url, self.args = url, (arg,) if isinstance(arg, str) else arg
        super().__init__(**kwargs)

    def shown(self, value: Any, record: Any) -> Cell:
        if callable(self.url):
            address = self.url(record)
        elif self.url:
            address = _address(self.url, *[reach(record, arg) for arg in self.args])
        elif hasattr(record, "get_absolute_url"):
            address = record.get_absolute_url()
        else:
            return put('<span class="strong">{}</span>', value or "–")
        return put('<a class="name" href="{}">{}</a>', address, value or "–")

    def plain_heads(self, column: Any) -> list[str]:
        return (
            [str(column.header), f"{column.header} (second line)"]
            if isinstance(self.sub, str) and self.sub
            else [str(column.header)]
        )

    def plain_cells(self, column: Any, record: Any) -> list[Any]:
        cells = super().plain_cells(column, record)
        return [*cells, str(reach(record, self.sub) or "")] if isinstance(self.sub, str) and self.sub else cells


class State(Column):
    """Icon and word of a state, calm."""

    css = "nowrap"

    def render(self, value: Any, record: Any, bound_column: Any) -> Cell:
        return super().render(
            reach(record, str(bound_column.accessor)), record, bound_column
        )  # the name, not its label

    def shown(self, value: Any, record: Any) -> Cell:
        return tags.state_html(value, record) if value else "–"

    def plain_cells(self, column: Any, record: Any) -> list[Any]:
        value = reach(record, str(column.accessor))
        return [states.look(value, record).word if value else ""]


class Pill(State):
    """The state on a soft ground when `loud(record)` says that the row needs a person, else calm.

    `loud` may name another state to show then, such as "fallout".
    """

    def __init__(self, *, loud: Callable[[Any], bool | str] | None = None, **kwargs: Any) -> None:
        self.loud = loud or (lambda record: True)
        super().__init__(**kwargs)

    def shown(self, value: Any, record: Any) -> Cell:
        loud = self.loud(record)
        return tags.state_html(loud if isinstance(loud, str) else value, record, filled=bool(loud)) if value else "–"


class Number(Column):
    """A number, right-aligned and tabular."""

    css = "n"
    newest_first = True

    def __init__(self, *, digits: int | None = None, unit: str = "", **kwargs: Any) -> None:
        self.digits, self.unit = digits, unit
        super().__init__(**kwargs)

    def shown(self, value: Any, record: Any) -> Cell:
        text = tags.number_text(value, self.digits)
        return f"{text} {said(self.unit)}" if self.unit and value is not None else text


class Money(Column):
    """An amount; `currency` is the path of its currency."""

    css = "n"
    newest_first = True

    def __init__(self, *, currency: str = "currency", whole: bool = False, **kwargs: Any) -> None:
        self.currency, self.whole = currency, whole
        super().__init__(**kwargs)

    def shown(self, value: Any, record: Any) -> Cell:
        return tags.money_text(value, reach(record, self.currency) or "EUR", whole=self.whole)

    def plain_heads(self, column: Any) -> list[str]:
        return [str(column.header), "Currency"]

    def plain_cells(self, column: Any, record: Any) -> list[Any]:
        return [*super().plain_cells(column, record), str(reach(record, self.currency) or "")]


class Date(Column):
    """A date as 4 Dec, right-aligned as dates of a column compare."""

    css = "n"
    form = "short"
    newest_first = True

    def shown(self, value: Any, record: Any) -> Cell:
        return tags.day(value, self.form)

    def plain_cells(self, column: Any, record: Any) -> list[Any]:
        value = reach(record, str(column.accessor))
        if value is None:
            return [""]
        return [
            timezone.localtime(value).isoformat(timespec="seconds") if hasattr(value, "hour") else value.isoformat()
        ]


class Day(Date):
    """A date as a distance: in 3 days, exact on hover."""

    form = "near"


class Due(Date):
    """A due date, red once over; `done` says when it no longer matters."""

    def __init__(self, *, done: Callable[[Any], bool] | None = None, **kwargs: Any) -> None:
        self.done = done or (lambda record: False)
        super().__init__(**kwargs)

    newest_first = False

    def shown(self, value: Any, record: Any) -> Cell:
        return tags.due(value, done=self.done(record))


class When(Date):
    """A moment: 40 min ago."""

    def shown(self, value: Any, record: Any) -> Cell:
        return tags.when(value)


class Meter(Column):
    """Done of total; `total` is the path of the total."""

    css = "n"

    def __init__(self, *, total: str, **kwargs: Any) -> None:
        self.total = total
        super().__init__(**kwargs)

    def shown(self, value: Any, record: Any) -> Cell:
        return tags.meter(value or 0, reach(record, self.total) or 0)


class Avatar(Column):
    """A person: circle and name; `empty` is what nobody is called."""

    def __init__(self, *, empty: str = "Unassigned", **kwargs: Any) -> None:
        self.empty = empty
        super().__init__(**kwargs)

    def shown(self, value: Any, record: Any) -> Cell:
        return (
            put('<span class="row nowrap gap-s">{} {}</span>', tags.avatar(value, "sm"), value)
            if value
            else "Unassigned"
        )


class Flag(Column):
    """Yes or no, in words."""

    def shown(self, value: Any, record: Any) -> Cell:
        return "Yes" if value else "No"

    def plain_cells(self, column: Any, record: Any) -> list[Any]:
        return ["yes" if reach(record, str(column.accessor)) else "no"]

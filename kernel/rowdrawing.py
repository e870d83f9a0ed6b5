"""Row drawing: the body of a list as HTML, without a template for each of its cells."""

from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from html import escape
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django_tables2.rows import BoundRow

from kernel import reading
from kernel.columns import Column, Name, reaching
from kernel.markup import put, safe
from kernel.saying import said

BUTTON = '<button type="button" class="in-place" data-cell="{}.{}" aria-describedby="cell-how">{}</button>'
Draw = Callable[[Any], Any]  # a record to the cell's content


def body(
    table: Any, columns: Iterable[Any], records: list[Any], ticks: Any = None, edits: Any = None,
    cells: Collection[str] = (),
) -> SafeString:  # fmt: skip
    """All rows of a list in these columns of a table of `kernel.tables`; a box before each when the list has ticks,
    and `cells` that turn into their field as the list's `edits` say."""
    if not records:
        return SafeString("")
    drawn = [
        (_opening(bound, first=not at),
         _changing(table, bound, records[0], edits) if bound.name in cells else _drawing(table, bound, records[0]),
         "</td>" if at else "</th>")
        for at, bound in enumerate(columns)
    ]  # fmt: skip
    boxes = _boxes(ticks) if ticks else None
    return SafeString("\n".join([_row(one, drawn, boxes) for one in records]))


def _row(record: Any, drawn: Iterable[tuple[str, Draw, str]], boxes: Callable[[Any], str] | None) -> str:
    cells = "".join([f"{opening}{safe(draw(record))}{closing}" for opening, draw, closing in drawn])
    return f"<tr>{boxes(record) if boxes else ''}{cells}</tr>"


def _boxes(ticks: Any) -> Callable[[Any], str]:
    """How the box of a row is drawn; its words are looked up once."""
    opening = put('<td class="tick"><input type="checkbox" name="{}" value="', ticks.name)
    rest, label = put('" form="{}" aria-label="', ticks.form), _("Select %(name)s")

    def drawn(record: Any) -> str:
        if getattr(record, "tickable", True) is False:
            return '<td class="tick"></td>'
        return f'{opening}{record.pk}{rest}{escape(label % {"name": record})}"></td>'

    return drawn


def _opening(bound: Any, *, first: bool) -> str:
    names = bound.attrs.get("td", {}).get("class", "")
    return put('<th scope="row" class="{}">' if first else '<td class="{}">', names)


def cell(table: Any, bound: Any, record: Any, edits: Any) -> SafeString:
    """What stands in a cell that may be changed."""
    return SafeString(safe(_changing(table, bound, record, edits)(record)))


def _changing(table: Any, bound: Any, record: Any, edits: Any) -> Draw:
    """A cell as the button that turns it into its field, where the record may be changed."""
    draw = _drawing(table, bound, record)

    def drawn(one: Any) -> Any:
        shown = draw(one)
        return shown if edits.why_not(one) else put(BUTTON, one.pk, bound.name, shown)

    return drawn


def _drawing(table: Any, bound: Any, record: Any) -> Draw:
    """How the cells of one column are drawn: by the column itself, unless the table has a word in it."""
    column = bound.column
    if not isinstance(column, Column) or hasattr(table, f"render_{bound.name}"):
        return lambda one: said(BoundRow(one, table=table).get_cell(bound.name))
    path = str(bound.accessor).replace(".", "__")
    kind: Any = type(record)
    words, render, value_of = _words(kind, path, reading.language()), column.render, reaching(path)
    if words is None and not isinstance(column, Name):  # worked out by code
        return lambda one: render(said(value_of(one)), one, bound)
    if not words:
        return lambda one: render(value_of(one), one, bound)

    def draw(one: Any) -> Any:
        value = value_of(one)
        return render(words.get(value, value), one, bound)

    return draw


@lru_cache(maxsize=1024)
def _words(kind: Any, path: str, language: str | None) -> dict[Any, str] | None:
    """What a person reads for each value of a field with choices; nothing for other fields, None without a field."""
    *way, name = path.split("__")
    model = kind
    try:
        for part in way:
            model = model._meta.get_field(part).related_model
        field: Any = model._meta.get_field(name)
    except (FieldDoesNotExist, AttributeError):
        return None
    return {key: said(str(word)) for key, word in getattr(field, "flatchoices", None) or ()}

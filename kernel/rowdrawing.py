"""Row drawing: the body of a list as HTML, without a template for each of its cells."""

from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from kernel.columns import Column, Name, reach
from kernel.saying import said

Draw = Callable[[Any, Any], Any]  # a row and its record to the cell's content


def body(table: Any, ticks: Any = None) -> SafeString:
    """All rows of a table of `kernel.tables`; a box before each row when the list has ticks."""
    rows = list(table.rows)
    if not rows:
        return mark_safe("")
    drawn = [(_opening(bound, first=not at), _drawing(table, bound, rows[0].record), "</td>" if at else "</th>")
             for at, bound in enumerate(table.columns)]  # fmt: skip
    return mark_safe("\n".join(_row(row, drawn, ticks) for row in rows))  # noqa: S308 – each cell is escaped in _row


def _row(row: Any, drawn: Iterable[tuple[str, Draw, str]], ticks: Any) -> str:
    record = row.record
    cells = (f"{opening}{conditional_escape(draw(row, record))}{closing}" for opening, draw, closing in drawn)
    return f"<tr>{_tick(record, ticks) if ticks else ''}{''.join(cells)}</tr>"


def _tick(record: Any, ticks: Any) -> str:
    if getattr(record, "tickable", True) is False:
        return '<td class="tick"></td>'
    return format_html(
        '<td class="tick"><input type="checkbox" name="{}" value="{}" form="{}" aria-label="{}"></td>',
        ticks.name, record.pk, ticks.form, _("Select %(name)s") % {"name": record},
    )  # fmt: skip


def _opening(bound: Any, *, first: bool) -> str:
    names = bound.attrs.get("td", {}).get("class", "")
    return format_html('<th scope="row" class="{}">' if first else '<td class="{}">', names)


def _drawing(table: Any, bound: Any, record: Any) -> Draw:
    """How the cells of one column are drawn: by the column itself, unless the table has a word in it."""
    column = bound.column
    if not isinstance(column, Column) or hasattr(table, f"render_{bound.name}"):
        return lambda row, one: row.get_cell(bound.name)
    path = str(bound.accessor).replace(".", "__")
    words = _words(record, path)
    if words is None and not isinstance(column, Name):  # worked out by code
        return lambda row, one: column.render(said(reach(one, path)), one, bound)
    if not words:
        return lambda row, one: column.render(reach(one, path), one, bound)

    def draw(row: Any, one: Any) -> Any:
        value = reach(one, path)
        return column.render(said(words[value]) if value in words else value, one, bound)

    return draw


def _words(record: Any, path: str) -> dict[Any, str] | None:
    """What a person reads for each value of a field with choices; nothing for other fields, None without a field."""
    *way, name = path.split("__")
    model: Any = type(record)
    try:
        for part in way:
            model = model._meta.get_field(part).related_model
        field: Any = model._meta.get_field(name)
    except (FieldDoesNotExist, AttributeError):
        return None
    return {key: str(word) for key, word in getattr(field, "flatchoices", None) or ()}

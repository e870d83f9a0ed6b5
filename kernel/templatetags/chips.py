"""Chips: the filters of a list as controls, drawn without a template for each of their options."""

from collections.abc import Iterable
from typing import Any

from django import forms, template
from django.forms.models import ModelChoiceIterator
from django.utils.safestring import SafeString

from kernel.choosing import SHORT
from kernel.markup import put
from kernel.picking import RecordField
from kernel.saying import said

register = template.Library()


@register.simple_tag
def control(bound: forms.BoundField) -> SafeString:
    """The control of a filter; as its form draws it, unless it is a plain list of values without a complaint."""
    field, widget = bound.field, bound.field.widget
    if isinstance(field, RecordField) and not bound.errors and len(field.few()) <= SHORT:
        chosen, first = {str(bound.value() or "")}, [("", field.empty_label)]
        offered = first + [(one.pk, field.label_from_instance(one)) for one in field.few()]
        return _select(bound, [_option(value, label, chosen) for value, label in offered])
    if type(widget) is not forms.Select or bound.errors or bound.help_text or widget.attrs:
        return SafeString(bound)
    chosen = set(widget.format_value(bound.value()))
    options = [_option(value, label, chosen) for value, label in _offered(bound.field)]
    return _select(bound, options)


def _select(bound: forms.BoundField, options: list[str]) -> SafeString:
    return put('<select name="{}" id="{}">{}</select>', bound.html_name, bound.auto_id, SafeString("".join(options)))


def _offered(field: Any) -> Iterable[tuple[Any, Any]]:
    """Values and labels; records are read in one go, not through a cursor."""
    if not isinstance(field.choices, ModelChoiceIterator) or getattr(field, "null_label", None):
        return list(field.choices)
    first = [] if field.empty_label is None else [("", field.empty_label)]
    return first + [(field.prepare_value(one), field.label_from_instance(one)) for one in field.queryset.all()]


def _option(value: Any, label: Any, chosen: set[str]) -> str:
    if isinstance(label, list | tuple):
        return put('<optgroup label="{}">{}</optgroup>', value,
                   SafeString("".join([_option(one, word, chosen) for one, word in label])))  # fmt: skip
    text = "" if value is None else str(value)
    return put('<option value="{}"{}>{}</option>', text, " selected" if text in chosen else "", said(label))

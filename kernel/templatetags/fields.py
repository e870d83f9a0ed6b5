"""Fields of forms as templates draw them: the control with what belongs to it, and whether it may be left empty."""

from typing import Any

from django import forms, template
from django.utils.safestring import SafeString

from kernel.saying import said

register = template.Library()


@register.filter
def optional(field: Any) -> bool:
    """Whether a form's field may be left empty; a list of choices without an empty one never is."""
    inner = field.field
    if inner.required:
        return False
    one_of = isinstance(inner, forms.ChoiceField) and not isinstance(inner, forms.ModelChoiceField)
    if not one_of or isinstance(inner, forms.MultipleChoiceField):
        return True
    return any(value in ("", None) for value, _word in inner.choices)


@register.simple_tag
def field_widget(field: Any) -> SafeString:
    """A form field's control tied to its hint and error for screen readers."""
    told = [f"{field.auto_id}_hint"] if field.help_text else []
    attrs: dict[str, str] = {}
    if field.errors:
        told.append(f"{field.auto_id}_error")
        attrs["aria-invalid"] = "true"
    for name in ("placeholder", "aria-label", "title"):
        if text := field.field.widget.attrs.get(name):
            attrs[name] = said(text)
    if told:
        attrs["aria-describedby"] = " ".join(told)
    return field.as_widget(attrs=attrs)  # type: ignore[no-any-return]

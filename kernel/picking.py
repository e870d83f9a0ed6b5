"""Picking: the form field for a related record, a select for few rows and a search for many.

    account = picking.RecordField("crm.account", label="Customer", empty_label="Choose a customer")

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        picking.offer(self, "account", by=user)          # more arguments narrow the rows of that kind

Whatever is sent is looked up among the rows offered, so that a made-up key is refused at the field. Without scripts the
text typed is the answer: it is taken when it fits one record, else those that fit are offered.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from kernel import choosing
from kernel.models.people import User
from kernel.refusal import Refusal

if TYPE_CHECKING:
    ModelChoiceField = forms.ModelChoiceField[Any]
else:
    ModelChoiceField = forms.ModelChoiceField


class Sent(str):
    """The key that was sent, with the text beside it; no text when the form had none."""

    typed: str | None = None

    @classmethod
    def of(cls, key: str, typed: str | None) -> "Sent":
        """Both together."""
        made = cls(key)
        made.typed = typed
        return made


class Picker(forms.Select):
    """A select, or beyond 50 rows a text field that searches."""

    slip = ""
    near: list[Any] = []

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        if name not in data and f"{name}_typed" not in data:
            return None
        return Sent.of(str(data.get(name) or ""), data.get(f"{name}_typed"))

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data and f"{name}_typed" not in data

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        offered: Any = self.choices
        field: RecordField = offered.field
        marks = self.build_attrs(self.attrs, attrs)
        few = field.few()
        context: dict[str, Any] = {"name": name, "attrs": marks, "key": "" if value is None else str(value)}
        if len(few) <= choosing.SHORT:
            context["options"] = [(field.key_of(one), field.label_from_instance(one), field.detail(one)) for one in few]
            context["empty"] = field.empty_label
            return SafeString(render_to_string("components/picker.html#select", context))
        context["typed"] = getattr(value, "typed", None)
        if context["typed"] is None:
            context["typed"] = field.called(context["key"], few)
        context["near"] = [(field.key_of(one), field.label_from_instance(one)) for one in self.near]
        context["placeholder"] = field.empty_label
        context["url"] = f"{reverse('choose')}?{urlencode({'slip': self.slip})}"
        return SafeString(render_to_string("components/picker.html", context))


class RecordField(ModelChoiceField):
    """One record of a registered kind, among those that somebody may choose; nothing is offered before `offer`."""

    widget = Picker

    def __init__(self, kind: str, *, empty_label: str | None = "Choose", detailed: bool = False, **kw: Any) -> None:
        self.kind_name, self.detailed = kind, detailed
        errors = {"invalid_choice": "Choose one of those offered.", **kw.pop("error_messages", {})}
        super().__init__(None, empty_label=empty_label, error_messages=errors, **kw)

    def key_of(self, record: Any) -> str:
        """What is sent for a record."""
        return str(getattr(record, self.kind.key))

    @property
    def kind(self) -> choosing.Kind:
        """How such records are searched and called."""
        return choosing.kind(self.kind_name)

    @property
    def rows(self) -> Any:
        """What is offered."""
        return self.queryset

    def offer(self, by: User, **scope: Any) -> None:
        """Let this person choose among what they may see, narrowed as the kind knows."""
        self.queryset = self.kind.rows(by, **scope)
        self.to_field_name = self.kind.key
        self._read: dict[str, list[Any]] = {"known": []}
        widget: Any = self.widget
        widget.slip = choosing.slip(self.kind_name, by, scope)

    def share(self, other: "RecordField") -> None:
        """Offer what another field does, without reading it again: for the rows of one form."""
        self.queryset, self._read = other.queryset, other._read
        mine: Any = self.widget
        theirs: Any = other.widget
        mine.slip = theirs.slip

    def know(self, keys: Iterable[int]) -> None:
        """Read what is chosen already, for all rows of a form at once."""
        self._read["known"] += self.rows.filter(pk__in=list(keys))

    def few(self) -> list[Any]:
        """The first rows; more than 50 are searched instead of shown."""
        if "few" not in self._read:
            self._read["few"] = list(self.rows[: choosing.SHORT + 1])
        return self._read["few"]

    def label_from_instance(self, obj: Any) -> str:
        return self.kind.label(obj)

    def detail(self, obj: Any) -> str:
        """What stands beside it in a short list, where the form wants it."""
        return self.kind.detail(obj) if self.detailed else ""

    def called(self, key: str, known: list[Any]) -> str:
        """What the record behind a key is called; nothing when it is not among those offered."""
        for one in [*known, *self._read["known"]]:
            if self.key_of(one) == key:
                return self.label_from_instance(one)
        sound = self.kind.key != "pk" or (key.isdecimal() and len(key) < 19)
        found = self.rows.filter(**{self.kind.key: key}).first() if sound else None
        return self.label_from_instance(found) if found else ""

    def clean(self, value: Any) -> Any:
        """The record. Raises ValidationError when it is not offered, or when what was typed is not clear."""
        typed = getattr(value, "typed", None)
        if typed is None or (not typed.strip() and not value):
            return super().clean(str(value) if value else value)
        if not typed.strip():  # emptied by hand
            return super().clean("")
        if value:
            chosen = super().clean(str(value))
            label = self.label_from_instance(chosen)
            if label == typed.strip() or choosing.fitting(self.kind, self.rows.filter(pk=chosen.pk), typed).exists():
                return chosen
        return self._meant(typed)

    def _meant(self, typed: str) -> Any:
        found, near = choosing.one(self.kind, self.rows, typed)
        if found is not None:
            return found
        if not near:
            raise forms.ValidationError(f"Nothing here is called “{typed.strip()[:60]}”.")
        widget: Any = self.widget
        widget.near = near[: choosing.SHORT]
        named = "; ".join(self.label_from_instance(one) for one in near[:3])
        more = "" if len(near) <= 3 else " …"
        raise forms.ValidationError(f"Several fit: {named}{more} Choose one of them.")


def chosen(form: forms.BaseForm, name: str) -> Any:
    """What was chosen in a form that was sent. Raises Refusal with what is wrong at its field."""
    if not form.is_valid():
        raise Refusal(problems={key: [str(text) for text in texts] for key, texts in form.errors.items()})
    return form.cleaned_data[name]


def offer(form: forms.BaseForm, name: str, by: User, **scope: Any) -> None:
    """Let somebody choose in a record field of a form, if the form has it."""
    field = form.fields.get(name)
    if isinstance(field, RecordField):
        field.offer(by, **scope)

"""Forms of the rules of decomposition."""

import re
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone

from catalog import configuration, soundness, trial
from catalog.models import Characteristic, DecompositionRule, Dependency, Specification
from kernel import writing
from kernel.models import User
from kernel.picking import RecordField, offer

_NUMBER = re.compile(r"-?\d+(\.\d+)?")


KINDS = [
    ("realized_as", "It is realised by it"), ("bundles", "It bundles it"), ("requires", "It requires it"),
    ("composed_of", "It is composed of it, without an order of its own"),
]  # fmt: skip


class RuleForm(forms.Form):
    """What a rule says, but for its mappings."""

    source = RecordField(
        "catalog.specification", label="From", empty_label="Choose one",
        error_messages={"required": "Choose what it starts from.", "invalid_choice": "There is no such specification."},
    )  # fmt: skip
    target = RecordField(
        "catalog.specification", label="Makes", empty_label="Choose one",
        error_messages={"required": "Choose what it makes.", "invalid_choice": "There is no such specification."},
    )  # fmt: skip
    kind = forms.ChoiceField(choices=KINDS, initial="realized_as", label="How they belong together")
    starts_on = forms.DateField(
        label="In force from", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"required": "Say from which day this version is in force."},
    )  # fmt: skip
    condition = forms.CharField(
        max_length=300, required=False, label="Only when",
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "class": "mono"}),
        help_text="An expression such as routing == 'BGP' and term >= 12. Empty means always.",
    )  # fmt: skip
    cardinality = forms.ChoiceField(
        choices=[("one", "One"), ("per_quantity", "One for each of the line’s quantity"),
                 ("per_characteristic", "As many as a characteristic says")], label="How many",
    )  # fmt: skip
    count_from = forms.CharField(
        max_length=60, required=False, label="Counted by", widget=forms.TextInput(attrs={"list": "own-names"}),
        help_text="A characteristic that holds a whole number.",
    )  # fmt: skip
    merge = forms.ChoiceField(choices=DecompositionRule.Merge.choices, required=False, label="Shared")
    position = forms.IntegerField(min_value=0, max_value=9999, initial=0, label="Order among its siblings")
    note = forms.CharField(max_length=200, required=False, label="What this version changes")

    def __init__(self, *args: Any, by: User, rule: DecompositionRule | None = None, **kwargs: Any) -> None:
        names = list(self.base_fields)
        start: dict[str, Any] = {"starts_on": timezone.localdate()}
        kwargs["initial"] = {name: getattr(rule, name) for name in names} if rule else start | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        for side in ("source", "target"):
            offer(self, side, by)

    def chosen(self, side: str) -> Specification | None:
        """The specification on that side as typed so far, whether or not the rest is right."""
        raw = self[side].value()
        key = getattr(raw, "pk", raw)
        return Specification.objects.filter(pk=writing.whole(str(key or ""))).first()


class TryForm(forms.Form):
    """A field for every name that a rule reads."""

    def __init__(self, rule: DecompositionRule, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = soundness.characteristics(rule.source)
        self.names = trial.inputs(rule)
        for name in self.names:
            self.fields[name] = _field(name, self.known.get(name))

    def values(self) -> dict[str, Any]:
        """Name → value of its type; what was left empty is left out."""
        found = {}
        for name in self.names:
            text = str(self.cleaned_data.get(name) or "").strip()
            if text:
                characteristic = self.known.get(name)
                found[name] = configuration.parse(characteristic, text) if characteristic else _guess(text)
        return found


def _field(name: str, characteristic: Characteristic | None) -> forms.Field:
    label = characteristic.name if characteristic else name.replace("_", " ").replace(".", ", ").capitalize()
    if characteristic is not None and characteristic.type == Characteristic.Type.CHOICE:
        offered = [(str(value), text) for value, text in configuration.choices(characteristic)]
        return forms.ChoiceField(choices=[("", "Nothing yet"), *offered], required=False, label=label)
    if characteristic is not None and characteristic.type == Characteristic.Type.BOOLEAN:
        return forms.ChoiceField(
            choices=[("", "Nothing yet"), ("true", "Yes"), ("false", "No")], required=False, label=label
        )
    return forms.CharField(max_length=200, required=False, label=label)


def _guess(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return text


class PairingForm(forms.Form):
    """A rule between products."""

    source = RecordField(
        "catalog.specification", label="Product", empty_label="Choose one",
        error_messages={"required": "Choose the product that the rule is about."},
    )  # fmt: skip
    kind = forms.ChoiceField(
        label="Rule", choices=[("requires", "needs one of"), ("excludes", "cannot be together with any of")]
    )
    targets = forms.ModelMultipleChoiceField(
        queryset=Specification.objects.none(), label="Products", widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one product."},
    )  # fmt: skip
    scope = forms.ChoiceField(
        label="Where", choices=[("site", "At the same site"), ("account", "Anywhere at the same customer")]
    )

    def __init__(self, *args: Any, by: User, record: Dependency | None = None, **kwargs: Any) -> None:
        if record:
            kwargs["initial"] = {
                "source": record.source_id, "kind": record.kind, "scope": record.scope,
                "targets": [target.pk for target in record.targets.all()],
            }  # fmt: skip
        super().__init__(*args, **kwargs)
        known = [record.source_id, *(t.pk for t in record.targets.all())] if record else []
        products = Specification.objects.filter(kind=Specification.Kind.PRODUCT)
        rows = products.filter(Q(state=Specification.State.ACTIVE) | Q(pk__in=known)).order_by("name", "pk")
        offer(self, "source", by, kind=Specification.Kind.PRODUCT.value, also=known)
        self.fields["targets"].queryset = rows  # type: ignore[attr-defined]
        self.fields["targets"].label_from_instance = lambda spec: spec.name  # type: ignore[attr-defined]

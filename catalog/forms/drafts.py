"""Forms of a version in design: the entry itself, a characteristic, a bundle's members and choices."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.text import slugify

from catalog import valuetypes
from catalog.models import BundleGroup, BundleItem, Category, Characteristic, Offering, Specification
from kernel.models import DecisionTable, User
from kernel.money import plain
from kernel.picking import RecordField, offer

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
    ModelChoiceField = forms.ModelChoiceField[Any]
    ModelMultipleChoiceField = forms.ModelMultipleChoiceField[Any]
else:
    ModelForm, ModelChoiceField = forms.ModelForm, forms.ModelChoiceField
    ModelMultipleChoiceField = forms.ModelMultipleChoiceField

DAY = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
CODE = forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "class": "mono"})
KEY = {"pattern": "[a-z][a-z0-9_]*", "spellcheck": "false", "autocomplete": "off", "class": "mono"}


ICONS = {
    "world": "Globe", "network": "Network", "route": "Route", "wifi": "Wi-Fi", "router": "Router", "antenna": "Antenna",
    "plug-connected": "Plug", "phone": "Telephone", "device-mobile": "Mobile phone", "device-tv": "Television",
    "shield-lock": "Shield", "cloud": "Cloud", "server": "Server", "package": "Parcel", "headset": "Headset",
}  # fmt: skip


class Keyed(forms.Form):
    """Something new with a key, which its name gives when none is typed."""

    key = forms.SlugField(
        max_length=80, required=False, widget=forms.TextInput(attrs=KEY),
        help_text="Small letters, digits and underscores; it never changes. Empty takes it from the name.",
        error_messages={"invalid": "Begin with a small letter; then small letters, digits and underscores."},
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """The key, typed or made."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if "key" in values and not values["key"]:
            values["key"] = slugify(values.get("name", "")).replace("-", "_")[:80]
        return values


class Tables(forms.ChoiceField):
    """A decision table in force, or none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, choices=_tables, **kwargs)


def _tables() -> list[tuple[str, str]]:
    rows = DecisionTable.objects.in_force().values_list("key", "title")
    return [("", "None"), *sorted(((key, f"{title} ({key})") for key, title in rows), key=lambda pair: pair[1])]


class SpecificationForm(ModelForm):
    """A specification."""

    conditions = Tables(
        label="Decision table", help_text="Hides, requires or refuses characteristics, asked with all values."
    )

    class Meta:
        model = Specification
        fields = ("name", "description", "conditions", "valid_from", "valid_until", "note")
        widgets = {"description": forms.Textarea(attrs={"rows": 2}), "valid_from": DAY, "valid_until": DAY}
        labels = {"valid_from": "From", "valid_until": "Until", "note": "What this version changes"}


class NewSpecificationForm(Keyed, SpecificationForm):
    """A specification that is not there yet."""

    kind = forms.ChoiceField(choices=Specification.Kind.choices)
    field_order = ("name", "kind", "key")


class OfferingForm(ModelForm):
    """An offering."""

    category = ModelChoiceField(queryset=Category.objects.all(), empty_label="Choose one", label="Shelf")
    specification = RecordField("catalog.usable", required=False, empty_label="None, it is a bundle or an entitlement")
    icon = forms.ChoiceField(required=False)
    eligibility = Tables(label="Eligibility table", help_text="Says where it is not sold, beside the general table.")
    entitled_to = ModelMultipleChoiceField(
        queryset=Offering.objects.none(), required=False, widget=forms.CheckboxSelectMultiple,
        label="Entitlements that come with it",
    )  # fmt: skip

    class Meta:
        model = Offering
        fields = (
            "name", "short_name", "description", "kind", "category", "specification", "icon", "sellable", "needs_site",
            "needs_feasibility", "eligibility", "position", "valid_from", "valid_until", "note",
        )  # fmt: skip
        widgets = {"description": forms.Textarea(attrs={"rows": 2}), "valid_from": DAY, "valid_until": DAY}
        help_texts = {"sellable": "", "needs_feasibility": "", "note": "", "position": "Place on its shelf."}
        labels = {
            "valid_from": "On sale from", "valid_until": "On sale until", "note": "What this version changes",
            "needs_site": "Is delivered to a site", "needs_feasibility": "Wants a feasibility check of its site",
            "sellable": "Can be sold by itself",
        }  # fmt: skip

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        offer(self, "specification", by)
        other = self.instance.icon
        own = {other: other} if other not in ICONS and other else {}
        fields["icon"].choices = [("", "None"), *(ICONS | own).items()]
        fields["entitled_to"].queryset = Offering.objects.filter(kind="entitlement", state="active").order_by("name")
        if self.instance.pk:
            self.initial["entitled_to"] = list(self.instance.entitled_to.values_list("pk", flat=True))

    def clean(self) -> dict[str, Any]:
        """What the table refuses, at its field."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("kind") == Offering.Kind.PRODUCT and "specification" in values and not values["specification"]:
            self.add_error("specification", "A product needs the specification of what it is; choose one.")
        return values


class NewOfferingForm(Keyed, OfferingForm):
    """An offering that is not there yet."""

    field_order = ("name", "kind", "key", "short_name", "description")


class CharacteristicForm(ModelForm):
    """A characteristic; allowed values are written one a line, as value or value = Label."""

    allowed = forms.CharField(
        required=False, label="Allowed values", widget=forms.Textarea(attrs={"rows": 5, "class": "mono"}),
        help_text="One a line, in order: value = Label. The label is what people read; the value goes to the systems.",
    )  # fmt: skip
    default_text = forms.CharField(
        required=False, max_length=200, label="Default", help_text="The value, or its label; several with commas."
    )

    class Meta:
        model = Characteristic
        fields = (
            "key", "name", "type", "source", "unit", "minimum", "maximum", "step", "pattern", "multiple", "refers_to",
            "required", "required_when", "shown_when", "significant", "hint",
        )  # fmt: skip
        widgets = {"key": forms.TextInput(attrs=KEY), "shown_when": CODE, "required_when": CODE,
                   "pattern": forms.TextInput(attrs={"class": "mono", "spellcheck": "false"})}  # fmt: skip
        labels = {
            "source": "Filled", "minimum": "At least", "maximum": "At most", "step": "In steps of",
            "required": "Always required", "required_when": "Required when", "shown_when": "Asked for only when",
            "significant": "A change touches fulfilment", "multiple": "Several may be chosen",
            "refers_to": "Points at", "pattern": "Pattern",
        }  # fmt: skip
        help_texts = {
            "multiple": "", "significant": "", "refers_to": "", "step": "",
            "required_when": "Such as backup == true. Empty means only what the box above says.",
            "shown_when": "Such as routing == 'BGP'. Empty means always.",
        }  # fmt: skip

    field_order = (
        "name", "key", "type", "source", "allowed", "multiple", "unit", "minimum", "maximum", "step", "pattern",
        "refers_to", "default_text", "hint", "required", "significant", "required_when", "shown_when",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        one = self.instance
        if one.pk:
            self.initial["allowed"] = "\n".join(
                str(value) if str(value) == label else f"{value} = {label}"
                for value, label in valuetypes.choices(one)
            )  # fmt: skip
            self.initial["default_text"] = "" if one.default is None else _text(one.default)
            for name in ("minimum", "maximum", "step"):
                self.initial[name] = None if getattr(one, name) is None else plain(getattr(one, name))

    def values(self) -> dict[str, Any]:
        """The characteristic's fields as they are stored. Call when the form is valid."""
        data = dict(self.cleaned_data)
        allowed, default = data.pop("allowed"), data.pop("default_text")
        data["choices"] = [_choice(line) for line in allowed.splitlines() if line.strip()]
        stand_in = Characteristic(**{name: data[name] for name in ("type", "multiple", "choices")})
        data["default"] = valuetypes.parse(stand_in, default) if default.strip() else None
        if data["type"] != Characteristic.Type.CHOICE:
            data["choices"] = []
        return data


def _choice(line: str) -> Any:
    value, mark, label = (part.strip() for part in line.partition("="))
    return {"value": value, "label": label} if mark and label and label != value else value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)


class ItemForm(ModelForm):
    """A member of a bundle; fixed values are written one a line, as characteristic = value."""

    member = RecordField("catalog.member", empty_label="Choose an offering")
    fixed = forms.CharField(
        required=False, label="Values that the bundle fixes", widget=forms.Textarea(attrs={"rows": 3, "class": "mono"}),
        help_text="One a line: characteristic = value.",
    )  # fmt: skip

    class Meta:
        model = BundleItem
        fields = ("member", "group", "minimum", "maximum", "default", "position")
        labels = {"group": "One of the choice", "minimum": "At least", "maximum": "At most", "default": "Usually",
                  "position": "Place in the list"}  # fmt: skip

    def __init__(self, *args: Any, bundle: Offering, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "member", by, bundle=bundle.key)
        self.fields["group"].queryset = bundle.groups.all()  # type: ignore[attr-defined]
        self.fields["group"].empty_label = "It stands by itself"  # type: ignore[attr-defined]
        if self.instance.pk:
            self.initial["fixed"] = "\n".join(f"{k} = {_text(v)}" for k, v in self.instance.presets.items())

    def values(self) -> dict[str, Any]:
        """The member's fields as they are stored. Call when the form is valid."""
        data = dict(self.cleaned_data)
        member: Offering = data["member"]
        known = {c.key: c for c in member.specification.characteristics.all()} if member.specification else {}
        data["presets"] = {}
        for line in data.pop("fixed").splitlines():
            key, _, text = (part.strip() for part in line.partition("="))
            if key:
                data["presets"][key] = valuetypes.parse(known[key], text) if key in known else text
        return data


class GroupForm(ModelForm):
    """A choice within a bundle."""

    class Meta:
        model = BundleGroup
        fields = ("key", "name", "minimum", "maximum", "position")
        widgets = {"key": forms.TextInput(attrs=KEY)}
        labels = {"minimum": "Choose at least", "maximum": "Choose at most", "position": "Place in the list"}

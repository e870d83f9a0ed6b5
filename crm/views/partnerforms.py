"""Forms of the partner pages: they check what was typed; the acts decide."""

from typing import Any

from django import forms

from catalog.models import Offering
from crm.models import PartnerOffering
from kernel.models import User
from kernel.picking import RecordField, offer

PREFIX = "value-"


class InviteForm(forms.Form):
    """Who may order from us, and what."""

    name = forms.CharField(max_length=120, label="Partner")
    account = RecordField(
        "crm.account", label="Customer", empty_label="Choose a customer",
        help_text="Their orders are orders of this customer; they see nothing else.",
    )  # fmt: skip
    offerings = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple, required=False, label="What they may order",
        help_text="It can be changed at any time.",
    )  # fmt: skip

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "account", user)
        sold: Any = self.fields["offerings"]
        rows = Offering.objects.on_sale().filter(sellable=True).order_by("position", "key")
        sold.choices = [(one.key, one.name) for one in rows]


class JoinForm(forms.Form):
    """A code that a seller gave us."""

    name = forms.CharField(max_length=120, label="Partner", help_text="As your people shall read it.")
    url = forms.CharField(
        max_length=300, label="Address of their installation", help_text="Such as https://orders.example"
    )
    code = forms.CharField(max_length=100, label="Code", widget=forms.TextInput(attrs={"autocomplete": "off"}))


class RequestForm(forms.Form):
    """One of their offerings at one of our sites; its fields follow from what they published."""

    site = RecordField("crm.site", empty_label="Choose a site")
    quantity = forms.IntegerField(min_value=1, max_value=10_000, initial=1)
    wanted_on = forms.DateField(
        required=False, label="Wanted on", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, user: User, offering: PartnerOffering, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "site", user)
        for part in offering.characteristics:
            self.fields[PREFIX + part["name"]] = _field(part)

    @property
    def values(self) -> dict[str, Any]:
        """What was chosen, by the name of the characteristic."""
        found = {name.removeprefix(PREFIX): value for name, value in self.cleaned_data.items() if PREFIX in name}
        return {name: value for name, value in found.items() if value not in (None, "")}


def _field(part: dict[str, Any]) -> forms.Field:
    told: dict[str, Any] = {"label": part["title"], "required": part["required"], "initial": part["default"]}
    if part["type"] == "boolean":
        return forms.BooleanField(**told | {"required": False})
    if part["type"] == "number":
        return forms.IntegerField(**told)
    if part["choices"]:
        choices = [(one, str(one)) for one in part["choices"]]
        return forms.ChoiceField(**told, choices=choices if part["required"] else [("", "–"), *choices])
    return forms.CharField(**told, max_length=200)

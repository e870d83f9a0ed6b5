"""The form of a rule that changes list prices."""

from typing import TYPE_CHECKING, Any

from django import forms

from catalog import adjusting
from catalog.forms.prices import Refusing
from catalog.models import Offering, PriceAdjustment

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[PriceAdjustment]
    OfferingsField = forms.ModelMultipleChoiceField[Offering]
else:
    ModelForm = forms.ModelForm
    OfferingsField = forms.ModelMultipleChoiceField

CODE = forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off"})


class AdjustmentForm(Refusing, ModelForm):
    """What a rule does, to what, and when; the act checks it as a whole."""

    offerings = OfferingsField(
        queryset=Offering.objects.none(), required=False, widget=forms.CheckboxSelectMultiple, label="Offerings",
        help_text="None ticked means all.",
    )  # fmt: skip

    class Meta:
        model = PriceAdjustment
        fields = (
            "label", "step", "position", "charge", "price_list", "offerings", "condition", "how", "value",
            "explanation", "active",
        )  # fmt: skip
        labels = {
            "label": "Name", "step": "Counts in the step", "position": "Place in its step", "charge": "Of the prices",
            "condition": "Only when", "how": "What it does", "value": "By how much", "active": "Prices follow it",
            "explanation": "What the customer reads", "price_list": "Only in the price list",
        }  # fmt: skip
        help_texts = {
            "condition": "Such as term >= 36 and region == 'metro'. Empty means always.",
            "value": "A number such as −10, or a calculation such as (share - 10) * 1.5.",
            "explanation": "Such as {term} months, − 10 %. Empty says it in numbers.",
            "position": "Lower ones count first.", "price_list": "",
        }  # fmt: skip
        widgets = {"condition": CODE, "value": CODE}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["price_list"].empty_label = "Every list"
        sold = Offering.objects.filter(state="active").exclude(kind="entitlement")
        own = self.instance.offerings.all() if self.instance.pk else Offering.objects.none()
        fields["offerings"].queryset = (sold | Offering.objects.filter(pk__in=own.values("pk"))).order_by("name")
        fields["offerings"].label_from_instance = _label

    def clean_value(self) -> str:
        """With the minus sign that expressions know."""
        return str(self.cleaned_data["value"]).replace("−", "-").strip()

    def asked(self) -> dict[str, Any]:
        """What to keep: `values` and `offerings`."""
        data = self.cleaned_data
        return {"values": {name: data[name] for name in adjusting.FIELDS}, "offerings": list(data["offerings"])}

    def _post_clean(self) -> None:
        """The act checks and stores."""


def _label(one: Offering) -> str:
    return one.name if one.state == "active" else f"{one.name}, version {one.version}"

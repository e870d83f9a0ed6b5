"""Forms of the pages about prices."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.utils import timezone

from catalog import configuration, matrices
from catalog.models import (
    Charge,
    CurrencyRule,
    ExchangeRate,
    MarginFloor,
    Offering,
    PriceEntry,
    PriceList,
    PriceMatrix,
    ProrationRule,
)
from kernel import money, roles
from kernel.forms import SheetField
from kernel.models import User
from kernel.picking import RecordField, offer
from kernel.refusal import Refusal

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
    ListField = forms.ModelChoiceField[PriceList]
else:
    ModelForm = forms.ModelForm
    ListField = forms.ModelChoiceField

Day = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class Refusing:
    """A form that shows a refusal at its fields."""

    def take(self, error: Refusal) -> None:
        """Put every problem at its field, those of no field at the head."""
        form: Any = self
        for name, texts in error.problems.items():
            for text in texts:
                form.add_error(name if name in form.fields else None, text)


class Added(ModelForm):
    """A row to add; that there is one already is said by the act, in its words."""

    def _post_clean(self) -> None:
        """The fields are checked; the act stores, and refuses a second one in its words."""


class PriceListForm(Refusing, ModelForm):
    """The head of a price list."""

    class Meta:
        model = PriceList
        fields = ["name", "currency", "segment", "valid_from", "valid_until"]
        widgets = {"valid_from": Day, "valid_until": Day}
        labels = {"valid_from": "Holds from", "valid_until": "Holds until"}
        help_texts = {"valid_until": "Empty means until another one follows."}

    def clean_currency(self) -> str:
        """Three letters."""
        return _currency(self.cleaned_data["currency"])

    def _post_clean(self) -> None:
        """The act checks and stores."""


class CopyForm(Refusing, forms.Form):
    """Which list's prices an empty one begins with."""

    source = ListField(PriceList.objects.order_by("name"), label="Copy the prices of", empty_label=None)


class EntryForm(Refusing, ModelForm):
    """One price or cost of an offering; `conditions` are the values that it is for."""

    tiers = forms.CharField(
        label="Tiers", required=False, widget=forms.Textarea(attrs={"rows": 3, "placeholder": "0 = 6.00\n50 = 5.50"}),
        help_text="One a line: over how many units = price of one. Empty means one price.",
    )  # fmt: skip

    class Meta:
        model = PriceEntry
        fields = ["charge", "label", "amount", "per", "period", "unit", "allowance", "tiering"]
        labels = {"per": "For each", "tiering": "Tiers count", "amount": "Amount", "label": "Name"}
        help_texts = {"period": "A monthly price has 1, a yearly one 12."}

    def __init__(self, *args: Any, offering: Offering, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        self.offering = offering
        fields["amount"].label = f"Amount, {currency}"
        axes = matrices.axes(offering)
        numbers = [(key, c.name) for key, c in axes.items() if c and c.type == "number"]
        fields["per"] = forms.ChoiceField(choices=[("", "piece"), *numbers], required=False, label="For each")
        fields["period"].required = fields["allowance"].required = False
        for key, one in axes.items():
            if one and one.choices:
                offered = [(str(value), label) for value, label in configuration.choices(one)]
                fields[f"when-{key}"] = forms.ChoiceField(
                    choices=[("", "any"), *offered], required=False, label=one.name, initial=self._wanted(key)
                )
        if self.instance.pk and self.instance.tiers:
            self.initial["tiers"] = "\n".join(f"{tier['over']} = {tier['amount']}" for tier in self.instance.tiers)

    def _wanted(self, key: str) -> str:
        return str(self.instance.when.get(key, "")) if self.instance.pk else ""

    def clean_period(self) -> int:
        """One month when nothing is said."""
        return int(self.cleaned_data["period"] or 1)

    def clean_allowance(self) -> Decimal:
        """None when nothing is said."""
        return self.cleaned_data["allowance"] or Decimal(0)

    def clean_tiers(self) -> list[dict[str, str]]:
        """Lines of units = price."""
        found = []
        for line in self.cleaned_data["tiers"].splitlines():
            if line.strip():
                over, sign, amount = line.replace(",", ".").partition("=")
                if not sign:
                    raise forms.ValidationError(f"“{line.strip()[:40]}” is not written as units = price.")
                found.append({"over": over.strip(), "amount": amount.strip()})
        return found

    def asked(self) -> dict[str, Any]:
        """What to keep."""
        data = self.cleaned_data
        when = {name.removeprefix("when-"): value for name, value in data.items() if name.startswith("when-") and value}
        names = ("charge", "label", "amount", "per", "period", "unit", "allowance", "tiering", "tiers")
        return {name: data[name] for name in names} | {"when": when}

    def _post_clean(self) -> None:
        """The act checks and stores."""


class MatrixForm(Refusing, forms.Form):
    """What a new matrix prices, and what stands on its rows and columns."""

    name = forms.CharField(max_length=80)
    price_list = ListField(
        PriceList.objects.order_by("name"), label="Price list", empty_label=None, to_field_name="key"
    )
    offering = RecordField(
        "catalog.open", empty_label="Choose one", error_messages={"required": "Choose what it prices."}
    )
    charge = forms.ChoiceField(choices=Charge.choices, label="Of its prices", initial=Charge.RECURRING)
    label = forms.CharField(max_length=80, required=False, label="Only of the price", help_text="Such as Set-up.")
    how = forms.ChoiceField(choices=PriceMatrix.How.choices, label="A cell says")
    rows_by = forms.MultipleChoiceField(label="On the rows", widget=forms.CheckboxSelectMultiple)
    columns_by = forms.MultipleChoiceField(label="On the columns", widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        offer(self, "offering", by)
        self.chosen = self._chosen()
        if self.chosen is None:
            del fields["rows_by"], fields["columns_by"]
            return
        named = [(name, one.name if one else name.capitalize()) for name, one in matrices.axes(self.chosen).items()]
        fields["rows_by"].choices = fields["columns_by"].choices = named

    def _chosen(self) -> Offering | None:
        """Whose characteristics can stand on the rows and columns."""
        try:
            found: Offering = self.fields["offering"].clean(self["offering"].value())
        except forms.ValidationError:
            return None
        return found

    def asked(self) -> dict[str, Any]:
        """What to draft."""
        data = dict(self.cleaned_data)
        by = {name: data.pop(name) for name in ("rows_by", "columns_by")}
        return {"values": data, **by}


class MatrixFile(forms.Form):
    """A matrix as CSV."""

    file = SheetField(label="CSV or Excel file", accept=".csv,.xlsx,text/csv")


class RateForm(Refusing, Added):
    """An exchange rate from a day on."""

    class Meta:
        model = ExchangeRate
        fields = ["source", "target", "rate", "valid_from", "origin"]
        widgets = {"valid_from": Day}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("source", settings.HOME_CURRENCY)
        self.initial.setdefault("valid_from", timezone.localdate())

    def clean_source(self) -> str:
        """Three letters."""
        return _currency(self.cleaned_data["source"])

    def clean_target(self) -> str:
        """Three letters, another currency."""
        code = _currency(self.cleaned_data["target"])
        if code == self.cleaned_data.get("source"):
            raise forms.ValidationError("A currency is always worth one of itself. Choose another one.")
        return code

    def clean_rate(self) -> Decimal:
        """More than nothing."""
        return _positive(self.cleaned_data["rate"], "A rate is more than 0.")


class CurrencyForm(Added):
    """How a currency is rounded from a day on."""

    class Meta:
        model = CurrencyRule
        fields = ["currency", "smallest", "how", "valid_from"]
        widgets = {"valid_from": Day}

    def clean_currency(self) -> str:
        """Three letters."""
        return _currency(self.cleaned_data["currency"])

    def clean_smallest(self) -> Decimal:
        """More than nothing."""
        return _positive(self.cleaned_data["smallest"], "The smallest amount is 0.01 or more.")


class FloorForm(Added):
    """The least margin of a role in a segment."""

    role = forms.ChoiceField(required=False)

    class Meta:
        model = MarginFloor
        fields = ["percent", "role", "segment"]
        help_texts = {"segment": "Such as business. Empty means every segment."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["role"].choices = [("", "Every role"), *roles.ROLES.items()]

    def clean_percent(self) -> Decimal:
        """From nothing to just under all."""
        value: Decimal = self.cleaned_data["percent"]
        if not 0 <= value < 100:
            raise forms.ValidationError("A margin floor is 0 to 99.99 %.")
        return value


class ProrationForm(Added):
    """How a part of a month is charged from a day on."""

    class Meta:
        model = ProrationRule
        fields = ["rule", "country", "currency", "valid_from"]
        widgets = {"valid_from": Day}

    def clean_country(self) -> str:
        """Two letters, or every country."""
        code = str(self.cleaned_data["country"]).strip().upper()
        if code and not (len(code) == 2 and code.isalpha()):
            raise forms.ValidationError("Two letters, such as NL, or empty for every country.")
        return code

    def clean_currency(self) -> str:
        """Three letters, or every currency."""
        text = str(self.cleaned_data["currency"])
        return _currency(text) if text.strip() else ""


class TrialForm(forms.Form):
    """A configuration to price without a quote."""

    price_list = ListField(PriceList.objects.order_by("name"), empty_label=None, to_field_name="key")
    offering = RecordField("catalog.open", empty_label=None)
    region = forms.ChoiceField(choices=[(name, name.capitalize()) for name in matrices.USUAL["region"]])
    country = forms.CharField(max_length=2, required=False, help_text="Two letters.")
    term = forms.IntegerField(min_value=1, max_value=120, initial=36, label="Term in months")
    sites = forms.IntegerField(min_value=1, max_value=100_000, initial=1)
    quantity = forms.IntegerField(min_value=1, max_value=1_000_000, initial=1)
    manual = forms.DecimalField(
        min_value=0, max_value=100, max_digits=5, decimal_places=2, initial=0, label="Discount, %"
    )
    on = forms.DateField(widget=Day, label="On the day", initial=timezone.localdate)
    currency = forms.CharField(max_length=3, required=False, help_text="Empty takes the list’s.")

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "offering", by)

    def clean_currency(self) -> str:
        """Three letters, or the list's."""
        text = str(self.cleaned_data["currency"])
        return _currency(text) if text.strip() else ""


def _currency(text: str) -> str:
    code = text.strip().upper()
    if not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise forms.ValidationError("Three letters, such as EUR.")
    if said := money.refusal(code):
        raise forms.ValidationError(said)
    return code


def _positive(value: Decimal, said: str) -> Decimal:
    if value <= 0:
        raise forms.ValidationError(said)
    return value

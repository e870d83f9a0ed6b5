"""Forms of quotes."""

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone

from contracts import linefields, quoting
from contracts.models import Agreement, Quote
from crm.models import Account, Site
from kernel.forms import SheetField
from kernel.models import User
from kernel.picking import RecordField, offer

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm

DISCOUNT = "A discount is a number from 0 to 100 percent."
TERM = f"A term is 1 to {quoting.LONGEST_TERM} months."
NOT_THEIRS = "This is not a site of this customer. Choose from the list."
NO_TERM = "Say for how many months; the price depends on it."
TERMS = [(1, "Month to month"), (12, "12 months"), (24, "24 months"), (36, "36 months"), (60, "60 months")]


class NewQuoteForm(forms.Form):
    """For whom a quote is, and under which agreement."""

    opportunity = RecordField("contracts.deal", required=False, empty_label="None")
    account = RecordField("crm.account", required=False, label="Customer", empty_label="As the opportunity")
    agreement = RecordField("contracts.in_force", required=False, empty_label="The one in force, if there is one")
    title = forms.CharField(max_length=120, required=False, help_text="Empty takes the opportunity’s name.")
    list_prices = forms.BooleanField(required=False, label="At list prices", help_text="Leaves out what was agreed.")
    term_months = forms.TypedChoiceField(
        choices=TERMS, coerce=int, initial=36, label="Term", error_messages={"required": NO_TERM}
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "opportunity", user)
        offer(self, "account", user, top=True)
        offer(self, "agreement", user)

    def clean(self) -> dict[str, Any]:
        """Somebody has to get it, and the agreement is theirs."""
        values: dict[str, Any] = super().clean() or {}
        opportunity, account, agreement = (values.get(name) for name in ("opportunity", "account", "agreement"))
        customer = opportunity.account if opportunity else account
        if customer is None and not self.errors:
            self.add_error("account", "Choose a customer, or an opportunity.")
        if opportunity and account and opportunity.account.root_id != account.root_id:
            self.add_error("account", "The opportunity is another customer’s.")
        if agreement and customer and agreement.account.root_id != customer.root_id:
            self.add_error("agreement", "This agreement is another customer’s.")
        if customer and not agreement and not values.get("list_prices"):
            values["agreement"] = self._in_force(customer)
        return values

    def _in_force(self, customer: Account) -> Agreement | None:
        """The customer's agreement; of several the person chooses."""
        found = quoting.frames(customer)
        if len(found) > 1:
            names = ", ".join(f"{one.title} ({one})" for one in found)
            self.add_error("agreement", f"Several are in force: {names}. Choose one, or tick list prices.")
        return found[0] if len(found) == 1 else None


class TermsForm(ModelForm):
    """The head of a draft."""

    term_months = forms.IntegerField(
        min_value=1, max_value=quoting.LONGEST_TERM, label="Term in months",
        error_messages={"required": NO_TERM, "min_value": TERM, "max_value": TERM, "invalid": TERM},
    )  # fmt: skip

    class Meta:
        model = Quote
        fields = ["title", "term_months", "valid_until"]
        widgets = {"valid_until": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def _post_clean(self) -> None:
        """The act checks and stores; the model's own checks would touch a record that nobody has locked."""

    def clean_valid_until(self) -> dt.date:
        """A day to come."""
        day: dt.date = self.cleaned_data["valid_until"]
        if day < timezone.localdate():
            raise forms.ValidationError("This day is over; choose a later one.")
        return day


class DiscountForm(forms.Form):
    """The manual discount in percent, on the quote or on one line."""

    percent = forms.DecimalField(
        min_value=Decimal(0), max_value=Decimal(100), max_digits=5, decimal_places=2, localize=False,
        label="Discount on monthly prices, %",
        error_messages={"min_value": DISCOUNT, "max_value": DISCOUNT, "required": DISCOUNT, "invalid": DISCOUNT},
    )  # fmt: skip


class OfLine(forms.Form):
    """What a line has besides its answers. An empty term is the quote's."""

    term_months = forms.IntegerField(required=False, min_value=1, max_value=quoting.LONGEST_TERM, label="Term, months")
    requested_on = forms.DateField(
        required=False, label="Requested date", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def clean_requested_on(self) -> dt.date | None:
        """A day to come."""
        day: dt.date | None = self.cleaned_data["requested_on"]
        if day and day < timezone.localdate():
            raise forms.ValidationError("This day is over; choose a later one.")
        return day


class LineForm(OfLine):
    """The part of the panel below the answers; it says what the act would refuse, field by field."""

    quantity = forms.IntegerField(
        required=False, min_value=1, max_value=99_999, error_messages={"min_value": "Order at least one."}
    )

    def __init__(self, *args: Any, quote: Quote, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.quote = quote

    def clean(self) -> dict[str, Any]:
        """As the act sees it, so that what can be kept is kept beside what cannot."""
        values: dict[str, Any] = super().clean() or {}
        for name, texts in linefields.problems(self.quote, values).items():
            self.add_error(name, texts)
        return values

    def chosen(self) -> dict[str, Any]:
        """The fields that were posted and make sense, None for an empty one."""
        wanted = (name for name in ("term_months", "requested_on") if name in self.data)
        return {name: self.cleaned_data[name] for name in wanted if name in self.cleaned_data}


class TogetherForm(OfLine):
    """What several lines get besides their answers; what is left empty stays as it is."""

    discount = forms.DecimalField(
        required=False, min_value=Decimal(0), max_value=Decimal(100), max_digits=5, decimal_places=2, localize=False,
        label="Discount, %",
    )  # fmt: skip
    field_order = ("discount", "term_months", "requested_on")

    def chosen(self) -> dict[str, Any]:
        """Fields of the line with their values."""
        given = {
            "manual_discount": self.cleaned_data["discount"],
            "requested_on": self.cleaned_data["requested_on"],
            "term_months": self.cleaned_data["term_months"],
        }
        return {name: value for name, value in given.items() if value is not None}


class ImportForm(forms.Form):
    """A site file."""

    file = SheetField(label="File (CSV or XLSX)", accept=".csv,.txt,.tsv,.xlsx,text/csv")


class VersionForm(forms.Form):
    """What the customer asked to change."""

    wish = forms.CharField(
        label="What the customer wishes", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class AlternativeForm(forms.Form):
    """How an alternative is called."""

    title = forms.CharField(label="Title of the alternative", max_length=120)


class AddForm(forms.Form):
    """An offering for sites."""

    offering = RecordField(
        "catalog.for_sale", empty_label=None, label="Product",
        error_messages={"invalid_choice": "This is not for sale by itself any more. Choose another product."},
    )  # fmt: skip
    sites = forms.ModelMultipleChoiceField(
        Site.objects.none(), required=False, widget=forms.CheckboxSelectMultiple, label="Sites",
        error_messages={"invalid_choice": NOT_THEIRS, "invalid_pk_value": NOT_THEIRS},
    )  # fmt: skip

    def __init__(self, *args: Any, quote: Quote, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "offering", by)
        field: Any = self.fields["sites"]
        field.queryset = quoting.sites_of(quote).order_by("country", "code")
        field.label_from_instance = lambda site: f"{site.name}, {site.city}"

    def clean(self) -> dict[str, Any]:
        """A product of a site needs one."""
        values: dict[str, Any] = super().clean() or {}
        offering = values.get("offering")
        if offering and offering.needs_site and not values.get("sites") and "sites" not in self.errors:
            self.add_error("sites", "Choose at least one site.")
        return values

"""Forms of customers and the pipeline: they check what was typed; the acts decide."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.forms import BaseFormSet, formset_factory
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from crm import coordinates, countries
from crm.capture import Line
from crm.models import Account, BillingProfile, Case, Contact, Lead, Opportunity, Site
from kernel import writing
from kernel.forms import SheetField
from kernel.models import User
from kernel.money import SYMBOLS
from kernel.picking import RecordField, offer
from kernel.refusal import Refusal
from kernel.saying import said

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
    LineSet = BaseFormSet["LineForm"]
else:
    ModelForm, LineSet = forms.ModelForm, BaseFormSet

COUNTRIES = sorted(countries.NAMES.items(), key=lambda pair: pair[1])
SOURCES = ("web", "call", "fair", "referral", "partner", "campaign", "other")
CURRENCIES = [(code, f"{code} {sign}" if sign != code else code) for code, sign in SYMBOLS.items()]


def refuse(form: forms.BaseForm, error: Refusal) -> None:
    """Say an act's refusal at the form's fields; what belongs to no field stands above them."""
    for name, sentences in error.problems.items():
        for sentence in sentences:
            form.add_error(name if name in form.fields else None, sentence)


class LongSelect(forms.Select):
    """A select of hundreds of options, drawn without a template for each."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        chosen = self.format_value(value)
        selected = {True: SafeString(" selected"), False: ""}
        options = (
            (key, selected[str(key) in chosen], writing.country(str(key)) or said(label)) for key, label in self.choices
        )
        drawn = format_html_join("", '<option value="{}"{}>{}</option>', options)
        marks = self.build_attrs(self.attrs, {**(attrs or {}), "name": name})
        return format_html("<select{}>{}</select>", flatatt(marks), drawn)


def _country(*, required: bool = True) -> forms.ChoiceField:
    first = [("", "Choose a country")] if required else [("", "Not known")]
    return forms.ChoiceField(choices=[*first, *COUNTRIES], required=required, widget=LongSelect)


def _day(**kwargs: Any) -> forms.DateField:
    return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs)


class AddressForm(ModelForm):
    """A form with an address: the postcode looks as the country's do."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        problem = countries.postcode_problem(cleaned.get("country", ""), cleaned.get("postcode", "") or " ")
        if problem and cleaned.get("postcode"):
            self.add_error("postcode", problem)
        return cleaned


class LeadForm(ModelForm):
    """Who they are and what they want."""

    source = forms.ChoiceField(choices=[(name, name.capitalize()) for name in SOURCES])
    country = _country(required=False)
    score = forms.IntegerField(min_value=0, max_value=100, initial=0, help_text="0 to 100: how likely they are to buy.")

    class Meta:
        model = Lead
        fields = [
            "company", "first_name", "last_name", "job_title", "email", "phone", "need", "source", "rating", "score",
            "territory", "country",
        ]  # fmt: skip
        labels = {"need": "What do they want to achieve?", "email": "E-mail"}
        help_texts = {
            "company": "Leave empty for a private person.", "need": "In their words.",
            "source": "",
        }  # fmt: skip
        widgets = {"need": forms.Textarea(attrs={"rows": 3})}


class OwnedLeadForm(LeadForm):
    """The same from a list, where who looks after it is seen too."""

    owner = RecordField("crm.seller", required=False, empty_label="Nobody yet")


class LineForm(forms.Form):
    """One thing that they might want."""

    offering = RecordField("catalog.for_sale", required=False, empty_label="Choose an offering")
    description = forms.CharField(max_length=160, required=False, label="Or in words")
    quantity = forms.IntegerField(min_value=1, max_value=100_000, initial=1, required=False)

    def __init__(self, *args: Any, by: User, like: RecordField | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["offering"]
        assert isinstance(field, RecordField)  # noqa: S101 – for the type checker
        if like is None:
            field.offer(by)
        else:
            field.share(like)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        quantity = cleaned.get("quantity")
        if quantity not in (None, 1) and not cleaned.get("offering") and not cleaned.get("description"):
            self.add_error("offering", "Choose an offering or say it in words.")
        return cleaned

    @property
    def line(self) -> Line | None:
        """The line, or nothing when the row was left empty."""
        offering, words = self.cleaned_data.get("offering"), self.cleaned_data.get("description", "")
        if not offering and not words:
            return None
        return Line(offering.pk if offering else None, words, self.cleaned_data.get("quantity") or 1)


class _Lines(LineSet):
    """Rows of lines that read the offerings once, also those of the standing lines that are no longer sold."""

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        told = super().get_form_kwargs(index)
        if not hasattr(self, "_like"):
            standing = [row["offering"] for row in self.initial or [] if row.get("offering")]
            self._like = RecordField("catalog.for_sale")
            self._like.offer(told["by"], also=standing)
            if standing:
                self._like.know(standing)
        return {**told, "like": self._like}


LineFormSet = formset_factory(LineForm, formset=_Lines, extra=1, max_num=50, absolute_max=60)


def lines_of(formset: Any) -> list[Line]:
    """The filled rows of a valid line formset."""
    return [form.line for form in formset if form.line]


class ConvertForm(forms.Form):
    """What a lead becomes: for each of the three, a new record or one that we have."""

    account = forms.CharField(initial="new")
    account_name = forms.CharField(
        max_length=120, label="Name of the customer", error_messages={"required": "A new customer needs a name."}
    )
    registration = forms.CharField(max_length=40, required=False, label="Trade register number")
    tier = forms.ChoiceField(choices=Account.Tier.choices, required=False)
    contact = forms.CharField(initial="new")
    contact_role = forms.ChoiceField(choices=Contact.Role.choices, required=False, label="Role")
    opportunity = forms.CharField(initial="new")
    opportunity_name = forms.CharField(max_length=120, required=False, label="Name of the opportunity")
    close_on = _day(required=False, label="Signature expected")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self["account"].value() or "new"
        self.fields["account_name"].required = chosen == "new"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in ("account", "contact", "opportunity"):
            value = cleaned.get(name) or "new"
            if value != "new" and not (value.isdecimal() and len(value) < 19):
                self.add_error(name, "Choose one of those shown.")
                continue
            cleaned[f"{name}_id"] = None if value == "new" else int(value)
        return cleaned


class OpportunityForm(ModelForm):
    """What the deal is about and what happens next."""

    close_on = _day(label="Signature expected")
    contact = RecordField("crm.contact", required=False, empty_label="Nobody named")
    owner = RecordField("crm.seller", required=False, empty_label="Nobody yet")

    class Meta:
        model = Opportunity
        fields = ["name", "contact", "close_on", "next_step", "competitors", "owner", "need"]
        widgets = {"need": forms.Textarea(attrs={"rows": 3})}
        labels = {"need": "What do they want to achieve?"}

    def __init__(self, *args: Any, account: Account, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "contact", by, root=account.root_id)
        offer(self, "owner", by)


class OpportunityLineForm(LineForm):
    """What might be sold, at which expected prices."""

    monthly = forms.DecimalField(min_value=0, max_digits=12, decimal_places=2, required=False, label="Monthly, each")
    one_time = forms.DecimalField(min_value=0, max_digits=12, decimal_places=2, required=False, label="Once, each")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors and not cleaned.get("offering") and not cleaned.get("description"):
            self.add_error("offering", "Choose an offering or say it in words.")
        return cleaned


class StageForm(forms.Form):
    """Why a deal is closed or on again."""

    stage = forms.SlugField(widget=forms.HiddenInput)
    reason = forms.CharField(
        max_length=200, widget=forms.Textarea(attrs={"rows": 3}), error_messages={"required": "Say why."},
        help_text="It is kept with the opportunity; the next deal learns from it.",
    )  # fmt: skip


class AccountForm(ModelForm):
    """A customer, partner or consumer."""

    currency = forms.ChoiceField(choices=CURRENCIES, initial=lambda: settings.HOME_CURRENCY)
    kind = forms.ChoiceField(choices=[c for c in Account.Kind.choices if c[0] != "child"], initial="legal_entity")
    owner = RecordField("crm.seller", required=False, empty_label="Nobody yet")

    class Meta:
        model = Account
        fields = [
            "name", "kind", "registration", "vat_number", "industry", "segment", "tier", "currency", "owner",
            "credit_limit",
        ]  # fmt: skip
        labels = {"registration": "Trade register number", "vat_number": "VAT number"}
        help_texts = {"registration": ""}

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "owner", by)
        if not by.has_perm("crm.set_credit"):
            del self.fields["credit_limit"]
        if self.instance.pk:
            del self.fields["kind"], self.fields["currency"]


class ChildForm(ModelForm):
    """A company below another; the rest is inherited."""

    class Meta:
        model = Account
        fields = ["name", "registration", "vat_number", "industry", "tier"]
        labels = {"registration": "Trade register number", "vat_number": "VAT number"}
        help_texts = {"registration": ""}


class ContactForm(ModelForm):
    """A person at an account."""

    portal_access = forms.BooleanField(
        required=False, label="May use the portal", help_text="Sees this account and what is below it."
    )

    class Meta:
        model = Contact
        fields = ["first_name", "last_name", "job_title", "email", "phone", "role"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["portal_access"]


class TeamForm(forms.Form):
    """One of us who looks after an account."""

    user = RecordField("crm.ours", label="Person", empty_label="Choose a person")
    role = forms.CharField(max_length=60, label="Does what", help_text="Such as account manager or service manager.")

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "user", by)


class SiteForm(AddressForm):
    """A place where something is delivered."""

    country = _country()
    contact = RecordField("crm.contact", required=False, label="On-site contact", empty_label="Nobody named")

    class Meta:
        model = Site
        fields = [
            "code", "region", "name", "street", "postcode", "city", "country", "contact", "latitude", "longitude",
            "access_notes",
        ]  # fmt: skip
        help_texts = {
            "code": "Short and lasting, such as RTM-01.", "region": "Prices follow it.", "country": "",
            "access_notes": "Gate, hours, permit.",
        }  # fmt: skip

    def __init__(self, *args: Any, account: Account, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "contact", by, root=account.root_id)
        for name, limit in coordinates.LIMITS.items():
            self.fields[name].min_value, self.fields[name].max_value = -limit, limit  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        pair = [cleaned.get("latitude"), cleaned.get("longitude")]
        if not self.errors and (pair[0] is None) != (pair[1] is None):
            self.add_error("latitude", coordinates.HALF)
        for name, value in zip(coordinates.LIMITS, pair, strict=True):
            if problem := coordinates.too_far(name, value):
                self.add_error(name, problem)
        return cleaned


class BillingProfileForm(AddressForm):
    """How an account pays."""

    country = _country()

    class Meta:
        model = BillingProfile
        fields = [
            "name", "invoice_email", "street", "postcode", "city", "country", "payment_days", "purchase_order",
            "is_default",
        ]  # fmt: skip
        labels = {"is_default": "Used unless an order says otherwise", "purchase_order": "Their reference"}
        help_texts = {"payment_days": "Days until an invoice is due.", "purchase_order": "Printed on each invoice."}


class UploadForm(forms.Form):
    """A file of sites."""

    file = SheetField(label="CSV or Excel file", accept=".csv,.xlsx,text/csv")

    def clean_file(self) -> bytes:
        """Its content."""
        content: bytes = self.cleaned_data["file"].read()
        return content


class OwnerForm(forms.Form):
    """Who is to own what was ticked."""

    to = RecordField(
        "crm.seller", label="New owner", empty_label="Choose who sells",
        error_messages={"required": "Choose who gets them.", "invalid_choice": "Choose somebody who sells."},
    )  # fmt: skip


class CaseForm(ModelForm):
    """What a customer reports."""

    account = RecordField("crm.account", label="Customer", empty_label="Choose a customer")
    contact = RecordField("crm.contact", required=False, empty_label="Nobody in particular")

    class Meta:
        model = Case
        fields = ["title", "description", "kind", "severity", "account", "contact", "about", "their_reference"]
        labels = {"title": "In a few words", "description": "What happened",
                  "their_reference": "Their number", "about": "About"}  # fmt: skip
        help_texts = {"about": "Number of an order, product or service.", "description": "Since when, and the effect."}
        widgets = {"description": forms.Textarea(attrs={"rows": 5})}

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "account", user)
        offer(self, "contact", user, root=self.instance.account.root_id if self.instance.pk else 0)
        if self.instance.pk:
            del self.fields["account"]

"""Forms of agreements, signing and service levels: they read what was typed; the acts decide."""

from typing import Any

from django import forms
from django.utils import timezone

from catalog.models import Category, Charge, PriceList, SlaMetric
from contracts import proposals, signature, signingorder
from contracts.models import Agreement, Clause
from crm.models import Contact
from kernel.models import User
from kernel.picking import RecordField, offer

DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class AgreementForm(forms.ModelForm[Agreement]):
    """The head of an agreement."""

    class Meta:
        model = Agreement
        fields = ["title", "price_list", "starts_on", "ends_on", "term_months", "notes"]
        widgets = {"starts_on": DAY, "ends_on": DAY, "notes": forms.Textarea(attrs={"rows": 3})}
        labels = {
            "starts_on": "In force from",
            "ends_on": "Until",
            "term_months": "Minimum term of a service, months",
            "notes": "Internal notes",
        }
        help_texts = {"notes": "Never on paper, never seen by the customer."}

    edition = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        lists = PriceList.objects.exclude(valid_until__lt=today).order_by("name")
        self.fields["price_list"].queryset = lists  # type: ignore[attr-defined]
        if self.instance.pk:
            self.initial.setdefault("edition", self.instance.edition)
        else:
            self.initial.setdefault("starts_on", today)
            self.initial.setdefault("ends_on", today.replace(day=min(today.day, 28), year=today.year + 3))
            if lists.count() == 1:
                self.initial.setdefault("price_list", lists.get())

    def _post_clean(self) -> None:
        """Rules are the act's; the model's own checks would touch a record that nobody has locked."""


class NewAgreementForm(AgreementForm):
    """A new agreement, for a legal entity."""

    account = RecordField(
        "crm.account", label="Customer", empty_label="Choose a customer",
        help_text="The legal entity that signs for all its companies.",
    )  # fmt: skip
    opportunity = RecordField("contracts.deal", required=False, empty_label="None")

    class Meta(AgreementForm.Meta):
        fields = ["account", "opportunity", *AgreementForm.Meta.fields]

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "account", user, top=True)
        offer(self, "opportunity", user)


class ClauseForm(forms.Form):
    """A clause of the library to add."""

    clause = forms.ModelChoiceField(Clause.objects.filter(state="approved"), empty_label="Choose a clause")

    def __init__(self, *args: Any, agreement: Agreement, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        used = agreement.terms.filter(clause__isnull=False).values("clause__key")
        field: Any = self.fields["clause"]
        field.queryset = Clause.objects.filter(state="approved").exclude(key__in=used)


class TermForm(forms.Form):
    """A term in own words."""

    title = forms.CharField(max_length=120)
    text = forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), max_length=10_000)


class DiscountForm(forms.Form):
    """A negotiated discount."""

    offering = RecordField("catalog.active", required=False, empty_label="All services")
    category = forms.ModelChoiceField(Category.objects.all(), required=False, empty_label="Any category")
    charge = forms.ChoiceField(choices=[(c.value, c.label) for c in (Charge.RECURRING, Charge.ONE_TIME)])
    percent = forms.DecimalField(label="Percent", max_digits=5, decimal_places=2)
    valid_from = forms.DateField(label="From", required=False, widget=DAY)
    valid_until = forms.DateField(label="Until", required=False, widget=DAY)
    commitment = forms.DecimalField(label="Commitment a month", required=False, max_digits=14, decimal_places=2)

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "offering", by)


class PriceForm(forms.Form):
    """A fixed price instead of one of the list."""

    listed = RecordField("contracts.listed", label="Price of", empty_label="Choose a price")
    when = forms.CharField(
        label="Only when", required=False, max_length=300,
        widget=forms.TextInput(attrs={"placeholder": "bandwidth = 1G, region = metro"}),
    )  # fmt: skip
    amount = forms.DecimalField(label="Fixed price", max_digits=14, decimal_places=2)

    def __init__(self, *args: Any, agreement: Agreement, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "listed", by, price_list=agreement.price_list_id)


class LevelForm(forms.Form):
    """A service level."""

    metric = forms.ChoiceField(choices=SlaMetric.choices, label="Service level")
    value = forms.DecimalField(max_digits=8, decimal_places=3)


class RoundForm(forms.Form):
    """What one side said."""

    side = forms.ChoiceField(choices=[("us", "We propose"), ("customer", "The customer says")], label="Whose")
    text = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), max_length=4000, label="What")


class PartnerForm(forms.Form):
    """What holds where a partner delivers."""

    partner = RecordField("crm.account")
    offering = RecordField("catalog.active", required=False, empty_label="All services", label="Service")
    text = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), max_length=4000, label="Terms")

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "partner", by, kind="partner")
        offer(self, "offering", by)


class ProposalForm(forms.Form):
    """One change that a side wants."""

    side = forms.ChoiceField(choices=[("customer", "The customer wants"), ("us", "We offer")], label="Whose")
    item = forms.ChoiceField(label="About")
    title = forms.CharField(required=False, max_length=120, help_text="Only for a new term.")
    wanted = forms.CharField(
        required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 2}), label="Should say",
        help_text="A percentage, a value, months, a day, or the words of a term. Empty leaves it out.",
    )  # fmt: skip
    reason = forms.CharField(required=False, max_length=1000, label="Why")

    def __init__(self, *args: Any, agreement: Agreement, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["item"]
        field.choices = [
            (f"{one.part}|{one.key}", f"{one.label} (now {one.now[:40]})") for one in proposals.items(agreement)
        ]


class PresentForm(forms.Form):
    """Who gets the link, and who signs after that one."""

    contact = RecordField("crm.signatory", label="Signatory", empty_label=None)
    then = RecordField("crm.signatory", label="Then", required=False, empty_label="Nobody else of the customer")
    third = RecordField("crm.signatory", label="After that", required=False, empty_label="Nobody")
    countersigner = RecordField(
        "contracts.signer", label="Countersigned for us by", required=False, empty_label="Nobody"
    )

    def __init__(self, *args: Any, record: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        signed = [one.contact_id for one in signingorder.signed(record) if one.contact_id]
        for name in ("contact", "then", "third"):
            offer(self, name, by, root=record.account.root_id, signs=True, but=signed)
        self.only_ours = bool(signed) and not self.fields["contact"].queryset.exists()  # type: ignore[attr-defined]
        self.fields["contact"].required = not self.only_ours
        offer(self, "countersigner", by)

    def others(self) -> list[Contact | User]:
        """Who signs after the first, in order."""
        wanted = (self.cleaned_data[name] for name in ("then", "third", "countersigner"))
        return [who for who in wanted if who]

    def clean(self) -> dict[str, Any]:
        """Somebody has to sign."""
        data = super().clean() or {}
        if self.only_ours and not data.get("countersigner"):
            self.add_error("countersigner", "Choose who signs for us.")
        return data


class PaperForm(forms.Form):
    """A copy that was signed on paper."""

    name = forms.CharField(label="Signed by", max_length=120)
    signed_on = forms.DateField(label="Signed on", widget=DAY)
    file = forms.FileField(label="Scan or photograph", widget=forms.FileInput(attrs={"accept": ".pdf,.png,.jpg,.jpeg"}))


class SignForm(forms.Form):
    """What a signatory types. Emptiness is judged by the act, in its words."""

    name = forms.CharField(label="Your full name", required=False, max_length=120)
    consent = forms.BooleanField(required=False)
    authority = forms.BooleanField(required=False)
    drawn = forms.CharField(required=False, max_length=signature.DRAWING_LIMIT + 100, widget=forms.HiddenInput)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class CopyForm(forms.Form):
    """What somebody decides on a copy that was signed on paper."""

    decision = forms.ChoiceField(choices=[("confirm", "Confirm"), ("refuse", "Refuse")])
    reason = forms.CharField(label="What is wrong with it?", required=False, max_length=2000)


class DeclineForm(forms.Form):
    """Why a signatory says no."""

    reason = forms.CharField(
        label="What would have to change?", required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )


def told(form: forms.BaseForm, problems: dict[str, list[str]]) -> None:
    """Put an act's problems at the form's fields; those of no field at its head."""
    for name, texts in problems.items():
        for text in texts:
            form.add_error(name if name in form.fields else None, text)

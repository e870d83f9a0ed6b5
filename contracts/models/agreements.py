"""Agreements: terms, discounts and service levels negotiated once with a legal entity (TMF651)."""

from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.urls import reverse
from django_fsm import transition

from catalog.models import SlaMetric
from crm.models import OfAccountQuerySet
from kernel import lifecycle
from kernel.models import Record
from kernel.models.statefield import StateField

LANGUAGES = [("en", "English"), ("de", "German"), ("nl", "Dutch"), ("fr", "French")]
WORDS = pgtrigger.UpdateOf("agreement_id", "offering_id", "text")  # type: ignore[no-untyped-call]
SIGNED = "('signed', 'active', 'expired', 'terminated')"


def _signed_stays(agreement: str, update: pgtrigger.Operation = pgtrigger.Update) -> pgtrigger.Trigger:
    """The database refuses any change of what a signed version says; `agreement` finds the version of a row."""
    return pgtrigger.Trigger(
        name="signed_stays",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | update | pgtrigger.Delete,
        func=f"""
            IF (SELECT state FROM contracts_agreement WHERE id = ({agreement})) IN {SIGNED} THEN
                RAISE EXCEPTION 'A signed agreement changes by its next version.' USING ERRCODE = 'check_violation';
            END IF;
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
        """,  # noqa: S608 – the parts are ours
    )


@lifecycle.guarded("state")
class Agreement(Record):
    """One version of a sales agreement at legal level."""

    STAGES = ("draft", "negotiation", "in_review", "approved", "signed", "active")

    class State(models.TextChoices):
        DRAFT = "draft"
        NEGOTIATION = "negotiation"
        IN_REVIEW = "in_review"
        APPROVED = "approved"
        REJECTED = "rejected"
        SIGNED = "signed"
        ACTIVE = "active"
        EXPIRED = "expired"
        TERMINATED = "terminated"

    number = models.CharField(max_length=20, editable=False)
    version = models.PositiveIntegerField(default=1)
    account = models.ForeignKey("crm.Account", on_delete=models.PROTECT, related_name="agreements")
    opportunity = models.ForeignKey(
        "crm.Opportunity", null=True, blank=True, on_delete=models.SET_NULL, related_name="agreements"
    )
    title = models.CharField(max_length=120)
    price_list = models.ForeignKey("catalog.PriceList", on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3, default="EUR")
    starts_on = models.DateField()
    ends_on = models.DateField()
    term_months = models.PositiveIntegerField(default=36)
    notes = models.TextField(blank=True, help_text="Internal.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    state = StateField(default=State.DRAFT, choices=State.choices, protected=True)
    id: int

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        permissions = [
            ("negotiate_agreement", "Can negotiate agreements"),
            ("approve_agreement", "Can approve agreements"),
            ("sign_agreement", "Can record signatures"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="signed_head_stays",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf(  # type: ignore[no-untyped-call]
                    "title", "price_list_id", "currency", "starts_on", "ends_on", "term_months"
                ),
                func=f"""
                    IF OLD.state IN {SIGNED} AND (
                        OLD.title, OLD.price_list_id, OLD.currency, OLD.starts_on, OLD.ends_on, OLD.term_months
                    ) IS DISTINCT FROM (
                        NEW.title, NEW.price_list_id, NEW.currency, NEW.starts_on, NEW.ends_on, NEW.term_months
                    ) THEN
                        RAISE EXCEPTION 'A signed agreement changes by its next version.'
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["number", "version"], name="agreement_version"),
            models.CheckConstraint(condition=models.Q(ends_on__gt=models.F("starts_on")), name="agreement_period"),
            models.UniqueConstraint(
                fields=["number"], condition=models.Q(state="active"), name="one_active_agreement_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} v{self.version}"

    def get_absolute_url(self) -> str:
        """The record page."""
        return reverse("contracts:agreement", args=[self.number, self.version])

    @transition(field=state, source=State.DRAFT, target=State.NEGOTIATION, permission="contracts.negotiate_agreement",
                custom={"label": "Start negotiation"})  # fmt: skip
    def negotiate(self) -> None:
        """The customer has it in hand."""

    @transition(field=state, source=State.NEGOTIATION, target=State.IN_REVIEW,
                permission="contracts.negotiate_agreement", custom={"label": "Submit for review"})  # fmt: skip
    def submit(self) -> None:
        """Both sides agree; ask our own approver."""

    @transition(field=state, source=State.IN_REVIEW, target=State.APPROVED, permission="contracts.approve_agreement",
                custom={"label": "Approve", "hidden": True})  # fmt: skip
    def approve(self) -> None:
        """May be signed."""

    @transition(field=state, source=State.IN_REVIEW, target=State.REJECTED, permission="contracts.approve_agreement",
                custom={"label": "Reject", "needs_reason": True, "hidden": True})  # fmt: skip
    def reject(self) -> None:
        """Back to whoever negotiates."""

    @transition(field=state, source=State.REJECTED, target=State.DRAFT, permission="contracts.negotiate_agreement",
                custom={"label": "Rework"})  # fmt: skip
    def rework(self) -> None:
        """Try again."""

    @transition(field=state, source=State.APPROVED, target=State.SIGNED, custom={"hidden": True})
    def sign(self) -> None:
        """Both sides have signed."""

    @transition(field=state, source=State.SIGNED, target=State.ACTIVE, custom={"hidden": True})
    def activate(self) -> None:
        """Its terms and prices hold."""

    @transition(field=state, source=State.ACTIVE, target=State.EXPIRED, custom={"hidden": True})
    def expire(self) -> None:
        """Its period is over."""

    @transition(field=state, source=State.ACTIVE, target=State.TERMINATED, permission="contracts.approve_agreement",
                custom={"label": "Terminate", "needs_reason": True})  # fmt: skip
    def terminate(self) -> None:
        """Ended early, or replaced by the next version."""


@lifecycle.guarded("state")
class Clause(Record):
    """One version of a clause of the library; a change makes the next version, signed terms keep theirs."""

    STAGES = ("draft", "approved", "retired")

    class State(models.TextChoices):
        DRAFT = "draft"
        APPROVED = "approved"
        RETIRED = "retired"

    key = models.SlugField(max_length=60)
    version = models.PositiveIntegerField(default=1)
    language = models.CharField(max_length=5, default="en", choices=LANGUAGES)
    title = models.CharField(max_length=120)
    text = models.TextField(help_text="May name {customer}, {term_months} and {currency}.")
    position = models.PositiveIntegerField(default=0)
    standard = models.BooleanField(default=True, help_text="Part of every new agreement.")
    state = StateField(default=State.DRAFT, choices=State.choices, protected=True)
    id: int

    class Meta:
        ordering = ["position", "key", "language", "-version"]
        permissions = [("approve_clause", "Can approve clauses of the library")]
        constraints = [
            models.UniqueConstraint(fields=["key", "language", "version"], name="clause_version"),
            models.UniqueConstraint(
                fields=["key", "language"], condition=models.Q(state="approved"), name="one_approved_clause_version"
            ),
            models.UniqueConstraint(
                fields=["key", "language"], condition=models.Q(state="draft"), name="one_draft_clause_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title}, version {self.version}"

    def get_absolute_url(self) -> str:
        """Its page in the library."""
        return reverse("contracts:clause", args=[self.key, self.language, self.version])

    @property
    def standard_word(self) -> str:
        """Whether new agreements take it by themselves."""
        return "Always" if self.standard else "When chosen"

    @transition(field=state, source=State.DRAFT, target=State.APPROVED, permission="contracts.approve_clause",
                custom={"label": "Approve"})  # fmt: skip
    def approve(self) -> None:
        """New agreements take it; the version before is retired."""

    @transition(field=state, source=[State.DRAFT, State.APPROVED], target=State.RETIRED,
                permission="contracts.approve_clause", custom={"label": "Retire", "needs_reason": True})  # fmt: skip
    def retire(self) -> None:
        """No new agreement takes it; those that have it keep it."""


class AgreementTerm(models.Model):
    """One clause as this agreement words it."""

    agreement = models.ForeignKey(Agreement, on_delete=models.CASCADE, related_name="terms")
    clause = models.ForeignKey(Clause, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveIntegerField(default=0)
    title = models.CharField(max_length=120)
    text = models.TextField()

    class Meta:
        ordering = ["position", "id"]
        triggers = [_signed_stays("COALESCE(NEW.agreement_id, OLD.agreement_id)")]

    def __str__(self) -> str:
        return self.title


class AgreementDiscount(models.Model):
    """A negotiated discount on list prices of an offering or a category; without either it holds for all."""

    agreement = models.ForeignKey(Agreement, on_delete=models.CASCADE, related_name="discounts")
    offering = models.ForeignKey("catalog.Offering", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    category = models.ForeignKey("catalog.Category", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    charge = models.CharField(max_length=10, default="recurring")
    percent = models.DecimalField(max_digits=5, decimal_places=2)
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)
    commitment = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, help_text="What the customer promises to spend a month."
    )

    class Meta:
        triggers = [_signed_stays("COALESCE(NEW.agreement_id, OLD.agreement_id)")]
        constraints = [
            models.UniqueConstraint(
                fields=["agreement", "offering", "category", "charge"], name="agreement_discount_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=models.Q(percent__gt=0, percent__lte=100), name="agreement_discount_range"
            ),
            models.CheckConstraint(
                condition=models.Q(offering__isnull=True) | models.Q(category__isnull=True),
                name="agreement_discount_on_one_thing",
            ),
            models.CheckConstraint(
                condition=models.Q(valid_until__isnull=True) | models.Q(valid_from__isnull=True)
                | models.Q(valid_until__gte=models.F("valid_from")), name="agreement_discount_period",
            ),
            models.CheckConstraint(
                condition=models.Q(commitment__isnull=True) | models.Q(commitment__gt=0),
                name="agreement_discount_commitment",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.percent.normalize():f} % on {self.offering or self.category or 'everything'}"


class AgreementPrice(models.Model):
    """A fixed price instead of one of the list, for lines with the values of `when`; no discount comes on top."""

    agreement = models.ForeignKey(Agreement, on_delete=models.CASCADE, related_name="prices")
    offering = models.ForeignKey("catalog.Offering", on_delete=models.PROTECT, related_name="+")
    charge = models.CharField(max_length=10, default="recurring")
    label = models.CharField(max_length=80, help_text="Which price of the list it replaces.")
    when = models.JSONField(default=dict, blank=True, help_text="Characteristic → value, empty for always.")
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    id: int

    class Meta:
        ordering = ["offering__name", "charge", "label", "id"]
        triggers = [_signed_stays("COALESCE(NEW.agreement_id, OLD.agreement_id)")]
        constraints = [
            models.UniqueConstraint(
                fields=["agreement", "offering", "charge", "label", "when"], name="agreement_price_once"
            ),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="agreement_price_range"),
        ]

    def __str__(self) -> str:
        told = f"{self.offering}, {self.label.lower()}"
        return f"{told}, {', '.join(f'{name} {value}' for name, value in self.when.items())}" if self.when else told


class AgreementSla(models.Model):
    """A global service level: every service contract inherits it and may only tighten it."""

    agreement = models.ForeignKey(Agreement, on_delete=models.CASCADE, related_name="slas")
    metric = models.CharField(max_length=20, choices=SlaMetric)
    value = models.DecimalField(max_digits=8, decimal_places=3)

    class Meta:
        triggers = [_signed_stays("COALESCE(NEW.agreement_id, OLD.agreement_id)")]
        constraints = [models.UniqueConstraint(fields=["agreement", "metric"], name="agreement_sla_once")]

    def __str__(self) -> str:
        return f"{self.get_metric_display()} {self.value}"


class PartnerTerm(models.Model):
    """What holds where a partner delivers a service for us: who, for which services, on what terms."""

    agreement = models.ForeignKey(Agreement, on_delete=models.CASCADE, related_name="partner_terms")
    partner = models.ForeignKey("crm.Account", on_delete=models.PROTECT, related_name="+")
    offering = models.ForeignKey("catalog.Offering", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()

    class Meta:
        ordering = ["partner__name", "id"]
        triggers = [_signed_stays("COALESCE(NEW.agreement_id, OLD.agreement_id)", WORDS)]  # a partner may be merged
        constraints = [
            models.UniqueConstraint(
                fields=["agreement", "partner", "offering"], name="partner_term_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.partner}, {self.offering or 'all services'}"


class NegotiationRound(models.Model):
    """What one side proposed or answered."""

    agreement = models.ForeignKey(Agreement, on_delete=models.CASCADE, related_name="rounds")
    number = models.PositiveIntegerField()
    side = models.CharField(max_length=8, choices=[("us", "We"), ("customer", "Customer")])
    text = models.TextField()
    changes = models.JSONField(default=dict, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["agreement", "number"], name="negotiation_round_once")]

    def __str__(self) -> str:
        return f"Round {self.number}"

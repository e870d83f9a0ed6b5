"""Contracts: what was signed, per legal entity and per site, with service levels, entitlements and billing starts."""

import datetime as dt
from decimal import Decimal
from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django_fsm import transition

from catalog.models import SlaMetric
from crm.models import OfAccountQuerySet
from kernel import lifecycle
from kernel.models import Numbered
from kernel.models.statefield import StateField

ENTITLED = """
    IF EXISTS (
        SELECT 1 FROM contracts_contract AS c WHERE c.id = {contract} AND c.kind = 'service'
        AND NOT EXISTS (SELECT 1 FROM contracts_entitlement AS e WHERE e.contract_id = c.id)
    ) THEN
        RAISE EXCEPTION 'A service contract needs an entitlement.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
"""

NEVER_LOOSENED = """
    IF TG_OP = 'DELETE' THEN
        IF OLD.inherited_from_id IS NOT NULL THEN
            RAISE EXCEPTION 'An inherited service level is not taken away.' USING ERRCODE = 'check_violation';
        END IF;
        RETURN OLD;
    END IF;
    SELECT value INTO floor FROM contracts_agreementsla WHERE id = NEW.inherited_from_id AND metric = NEW.metric;
    IF NEW.inherited_from_id IS NOT NULL AND floor IS NULL THEN
        RAISE EXCEPTION 'A service level inherits from its own metric.' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF OLD.metric <> NEW.metric THEN
            RAISE EXCEPTION 'A service level keeps its metric.' USING ERRCODE = 'check_violation';
        END IF;
        IF OLD.inherited_from_id IS NOT NULL AND NEW.inherited_from_id IS NULL THEN
            RAISE EXCEPTION 'An inherited service level stays inherited.' USING ERRCODE = 'check_violation';
        END IF;
        floor := CASE WHEN NEW.metric = 'availability' THEN GREATEST(floor, OLD.value)
                 ELSE LEAST(floor, OLD.value) END;
    END IF;
    IF (NEW.metric = 'availability' AND NEW.value < floor) OR (NEW.metric <> 'availability' AND NEW.value > floor) THEN
        RAISE EXCEPTION 'A service level is tightened, never loosened.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""

# What a signed request says; the customer and the contact it is kept with may be merged into others.
EVIDENCE = pgtrigger.UpdateOf(  # type: ignore[no-untyped-call]
    "subject_type", "subject_id", "person_id", "position", "token_hash", "document_id", "document_sha256", "expires_at",
    "opened_at", "signed_at", "declined_at", "declined_because", "void_at", "void_because", "wet", "signed_name",
    "signed_email", "sent_to", "authority", "consent", "consent_version", "address", "agent", "drawn",
    "signed_document_id", "created_by_id", "created_at",
)  # fmt: skip


def _entitled(contract: str, operation: pgtrigger.Operation) -> pgtrigger.Trigger:
    """At the end of a transaction every service contract that was touched entitles to something."""
    return pgtrigger.Trigger(
        name="entitles_to_something", when=pgtrigger.After, operation=operation, timing=pgtrigger.Deferred,
        func=ENTITLED.format(contract=contract),
    )  # fmt: skip


@lifecycle.guarded("state")
class Contract(Numbered):
    """A sales contract, made from an accepted quote, or a service contract of one site under it."""

    PREFIX = "CON"
    STAGES = ("draft", "pending_signature", "active")

    class Kind(models.TextChoices):
        SALES = "sales", "Sales contract"
        SERVICE = "service", "Service contract"

    class State(models.TextChoices):
        DRAFT = "draft"
        PENDING_SIGNATURE = "pending_signature"
        ACTIVE = "active"
        SUSPENDED = "suspended"
        EXPIRED = "expired"
        TERMINATED = "terminated"
        CANCELLED = "cancelled"

    kind = models.CharField(max_length=8, choices=Kind)
    account = models.ForeignKey("crm.Account", on_delete=models.PROTECT, related_name="contracts")
    site = models.ForeignKey("crm.Site", null=True, blank=True, on_delete=models.PROTECT, related_name="contracts")
    contact = models.ForeignKey("crm.Contact", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    quote = models.ForeignKey("contracts.Quote", on_delete=models.PROTECT, related_name="contracts")
    agreement = models.ForeignKey(
        "contracts.Agreement", null=True, blank=True, on_delete=models.PROTECT, related_name="contracts"
    )
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="service_contracts"
    )
    renewed_from = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="renewals")
    state = StateField(default=State.DRAFT, choices=State.choices, protected=True)
    currency = models.CharField(max_length=3, default="EUR")
    term_months = models.PositiveIntegerField(default=36)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    monthly = models.DecimalField(max_digits=16, decimal_places=2, default=0)
    one_time = models.DecimalField(max_digits=16, decimal_places=2, default=0)
    auto_renew = models.BooleanField(default=True, help_text="Goes on after its term unless somebody gives notice.")
    renew_months = models.PositiveIntegerField(default=1, help_text="By how many months it goes on each time.")
    notice_days = models.PositiveIntegerField(default=30, help_text="Days before the end by which notice is given.")
    notice_given_on = models.DateField(null=True, blank=True)
    routing = models.CharField(max_length=30, blank=True, help_text="Routing type of the site, from its lines.")
    access = models.CharField(max_length=30, blank=True, help_text="Access type of the site, from its lines.")
    redundancy = models.CharField(max_length=30, blank=True, help_text="Redundancy to the points of presence.")
    id: int

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        permissions = [("move_contract", "Can move contracts through their lifecycle")]
        triggers = [_entitled("NEW.id", pgtrigger.Insert)]
        indexes = [
            models.Index(fields=["ends_on"], condition=models.Q(state="active"), name="contract_ending"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["quote"], condition=models.Q(kind="sales"), name="one_sales_contract_per_quote"
            ),
            models.UniqueConstraint(
                fields=["quote", "site"], condition=models.Q(kind="service"), name="one_service_contract_per_site"
            ),
            models.CheckConstraint(
                condition=models.Q(kind="sales", site__isnull=True)
                | models.Q(kind="service", site__isnull=False, parent__isnull=False),
                name="service_contract_has_site_and_parent",
            ),
            models.CheckConstraint(
                condition=models.Q(renew_months__gte=1, renew_months__lte=60), name="contract_renewal_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.get_kind_display().lower()}"

    def get_absolute_url(self) -> str:
        """The record page."""
        return reverse("contracts:contract", args=[self.number])

    @transition(field=state, source=State.DRAFT, target=State.PENDING_SIGNATURE, custom={"hidden": True})
    def send(self) -> None:
        """Waits for the signature; a service contract waits for its site to go live."""

    @transition(field=state, source=State.PENDING_SIGNATURE, target=State.ACTIVE, custom={"hidden": True})
    def activate(self) -> None:
        """In force."""

    @transition(field=state, source=State.ACTIVE, target=State.SUSPENDED, permission="contracts.move_contract",
                custom={"label": "Suspend", "needs_reason": True})  # fmt: skip
    def suspend(self) -> None:
        """Paused."""

    @transition(field=state, source=State.SUSPENDED, target=State.ACTIVE, permission="contracts.move_contract",
                custom={"label": "Resume"})  # fmt: skip
    def resume(self) -> None:
        """In force again."""

    @transition(field=state, source=[State.ACTIVE, State.SUSPENDED], target=State.EXPIRED, custom={"hidden": True})
    def expire(self) -> None:
        """Its term is over."""

    @transition(field=state, source=[State.ACTIVE, State.SUSPENDED], target=State.TERMINATED, custom={"hidden": True})
    def terminate(self) -> None:
        """Ended early."""

    @transition(field=state, source=[State.DRAFT, State.PENDING_SIGNATURE], target=State.CANCELLED,
                permission="contracts.move_contract", custom={"label": "Cancel", "needs_reason": True})  # fmt: skip
    def cancel(self) -> None:
        """Never came into force."""


class ContractLine(models.Model):
    """Mirrors a quote line with its price and terms; its state follows the contract's."""

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="lines")
    quote_line = models.ForeignKey("contracts.QuoteLine", on_delete=models.PROTECT, related_name="contract_lines")
    offering = models.ForeignKey("catalog.Offering", on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey("crm.Site", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField(default=1)
    characteristics = models.JSONField(default=dict, blank=True)
    monthly = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    one_time = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    ramp = models.JSONField(default=list, blank=True, help_text="Steps of the monthly price, see catalog.ramps.")
    amendment = models.ForeignKey(
        "contracts.ContractAmendment", null=True, blank=True, on_delete=models.PROTECT, related_name="lines",
        help_text="The amendment that brought it.",
    )  # fmt: skip
    ended_on = models.DateField(null=True, blank=True)
    ended_by = models.ForeignKey(
        "contracts.ContractAmendment", null=True, blank=True, on_delete=models.PROTECT, related_name="ended_lines"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "quote_line"], name="contract_line_once")]

    def __str__(self) -> str:
        return str(self.offering)


class Entitlement(models.Model):
    """What a service contract entitles to, modelled as an offering; in force while the contract is."""

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="entitlements")
    offering = models.ForeignKey("catalog.Offering", on_delete=models.PROTECT, related_name="+")
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)

    class Meta:
        triggers = [_entitled("OLD.contract_id", pgtrigger.Delete)]
        constraints = [models.UniqueConstraint(fields=["contract", "offering"], name="entitlement_once")]

    def __str__(self) -> str:
        return str(self.offering)


class ServiceLevel(models.Model):
    """A service level of a service contract, inherited from the agreement or tightened here."""

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="service_levels")
    metric = models.CharField(max_length=20, choices=SlaMetric)
    value = models.DecimalField(max_digits=8, decimal_places=3)
    inherited_from = models.ForeignKey(
        "contracts.AgreementSla", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        triggers = [
            pgtrigger.Trigger(
                name="never_loosened",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                declare=[("floor", "numeric")],
                func=NEVER_LOOSENED,
            )
        ]
        constraints = [models.UniqueConstraint(fields=["contract", "metric"], name="service_level_once")]

    def __str__(self) -> str:
        return f"{self.get_metric_display()} {self.value}"


class BillingStart(models.Model):
    """Billing of one product begins, never before the product is active."""

    contract_line = models.ForeignKey(
        ContractLine, null=True, blank=True, on_delete=models.PROTECT, related_name="billing_starts"
    )
    product = models.OneToOneField("cmdb.Product", on_delete=models.PROTECT, related_name="billing_start")
    account = models.ForeignKey("crm.Account", on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey("crm.Site", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    billing_profile = models.ForeignKey("crm.BillingProfile", on_delete=models.PROTECT, related_name="+")
    starts_on = models.DateField()
    currency = models.CharField(max_length=3)
    monthly = models.DecimalField(max_digits=14, decimal_places=2)
    one_time = models.DecimalField(max_digits=14, decimal_places=2)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"Billing of {self.product_id} from {self.starts_on}"

    @property
    def now(self) -> Decimal:
        """What it costs a month today, without a ramp."""
        today = timezone.localdate()
        held = [one for one in self.changes.all() if one.on <= today and not one.ends]
        return held[-1].monthly if held else self.monthly

    @property
    def next(self) -> Any:
        """The change that is still to come, its end among them."""
        return next((one for one in self.changes.all() if one.on > timezone.localdate()), None)

    @property
    def until(self) -> dt.date | None:
        """The last day that is billed, once it is settled."""
        return next((one.on - dt.timedelta(days=1) for one in self.changes.all() if one.ends), None)


class SignatureRequest(models.Model):
    """A one-time link for a signatory: what they saw, what they typed, from where, and the signed PDF."""

    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    account = models.ForeignKey("crm.Account", on_delete=models.PROTECT, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token in the link.")
    contact = models.ForeignKey("crm.Contact", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        help_text="Who signs for us, instead of a contact of the customer.",
    )  # fmt: skip
    position = models.PositiveSmallIntegerField(default=1, help_text="The how manieth signature of the document.")
    document = models.ForeignKey("kernel.Document", on_delete=models.PROTECT, related_name="+")
    document_sha256 = models.CharField(max_length=64)
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    signed_at = models.DateTimeField(null=True)
    declined_at = models.DateTimeField(null=True)
    declined_because = models.TextField(blank=True)
    void_at = models.DateTimeField(null=True)
    void_because = models.CharField(max_length=200, blank=True)
    wet = models.BooleanField(default=False, help_text="Signed on paper; the copy was uploaded.")
    signed_name = models.CharField(max_length=120, blank=True)
    signed_email = models.CharField(max_length=254, blank=True, help_text="Where the link went.")
    sent_to = models.CharField(max_length=160, blank=True, help_text="Whose link it was when it was signed.")
    authority = models.TextField(blank=True, help_text="What somebody stated who signed in the place of another.")
    consent = models.TextField(blank=True)
    address = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=300, blank=True)
    consent_version = models.PositiveIntegerField(default=0, help_text="Of the consent text; 0 on paper.")
    drawn = models.BinaryField(null=True, help_text="PNG of a signature drawn by hand.")
    reminded_at = models.DateTimeField(null=True)
    signed_document = models.ForeignKey("kernel.Document", null=True, on_delete=models.PROTECT, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    id: int

    token: str = ""  # the secret of the link, known only to the call that made the request

    class Meta:
        indexes = [models.Index(fields=["subject_type", "subject_id"])]
        constraints = [
            models.UniqueConstraint(
                fields=["subject_type", "subject_id"],
                condition=models.Q(signed_at__isnull=True, declined_at__isnull=True, void_at__isnull=True),
                name="one_open_signature_request",
            ),
            models.UniqueConstraint(
                fields=["subject_type", "subject_id", "position"],
                condition=models.Q(signed_at__isnull=False),
                name="signed_once_a_place",
            ),
            models.CheckConstraint(
                condition=models.Q(contact__isnull=False, person__isnull=True)
                | models.Q(contact__isnull=True, person__isnull=False),
                name="signature_of_one_person",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="signed_is_kept",
                operation=EVIDENCE | pgtrigger.Delete,
                condition=pgtrigger.Q(old__signed_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"Signature of {self.signatory} on {self.subject_type} {self.subject_id}"

    @property
    def signatory(self) -> Any:
        """Who is asked: a contact of the customer, or one of us."""
        return self.contact or self.person

    @property
    def email(self) -> str:
        """Where the link goes."""
        return self.signed_email or str(self.signatory.email)

    @property
    def state(self) -> str:
        """signed, declined, void, expired, or open."""
        if self.signed_at:
            return "signed"
        if self.declined_at:
            return "declined"
        if self.void_at:
            return "void"
        return "expired" if self.expires_at <= timezone.now() else "open"

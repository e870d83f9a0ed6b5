"""Changes of contracts: amendments signed by quote, early ends with their charge, and the charges themselves."""

from decimal import Decimal
from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.urls import reverse
from django_fsm import transition

from crm.models import OfAccountQuerySet
from kernel import lifecycle
from kernel.models import Numbered
from kernel.models.statefield import StateField


class ContractAmendment(models.Model):
    """A signed quote that changed a contract in force: what came, what went, what changed."""

    contract = models.ForeignKey("contracts.Contract", on_delete=models.PROTECT, related_name="amendments")
    number = models.PositiveIntegerField()
    quote = models.OneToOneField("contracts.Quote", on_delete=models.PROTECT, related_name="amendment")
    on = models.DateField()
    differences = models.JSONField(default=list, help_text="One entry for each line that came, went or changed.")
    monthly_before = models.DecimalField(max_digits=16, decimal_places=2)
    monthly_after = models.DecimalField(max_digits=16, decimal_places=2)
    one_time = models.DecimalField(max_digits=16, decimal_places=2, default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["contract", "number"]
        constraints = [models.UniqueConstraint(fields=["contract", "number"], name="contract_amendment_once")]

    def __str__(self) -> str:
        return f"Amendment {self.number}"

    @property
    def monthly(self) -> Decimal:
        """How much more a month it costs since."""
        return self.monthly_after - self.monthly_before


class OfContractQuerySet(OfAccountQuerySet):
    """Rows of a contract: whoever sees its account sees them."""

    account_field = "contract__account"


@lifecycle.guarded("state")
class Termination(Numbered):
    """The wish to end a contract before its time, with the charge that this costs; the charge is fixed when asked."""

    PREFIX = "TRM"
    STAGES = ("in_review", "approved", "done")
    OPEN = ("in_review", "approved")

    class Side(models.TextChoices):
        CUSTOMER = "customer", "The customer"
        US = "us", "We"

    class State(models.TextChoices):
        IN_REVIEW = "in_review"
        APPROVED = "approved"
        DONE = "done", "Ended"
        REJECTED = "rejected"
        WITHDRAWN = "withdrawn"

    contract = models.ForeignKey("contracts.Contract", on_delete=models.PROTECT, related_name="terminations")
    side = models.CharField(max_length=8, choices=Side, default=Side.CUSTOMER)
    on = models.DateField(help_text="Last day of service.")
    reason = models.TextField()
    currency = models.CharField(max_length=3)
    computed = models.DecimalField(max_digits=16, decimal_places=2)
    charge = models.DecimalField(max_digits=16, decimal_places=2, help_text="What is billed, after any reduction.")
    reduced_because = models.TextField(blank=True)
    lines = models.JSONField(default=list, help_text="The charge line by line, with the steps that led to it.")
    content_hash = models.CharField(max_length=64, editable=False)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    state = StateField(default=State.IN_REVIEW, choices=State.choices, protected=True)
    id: int
    contract_id: int

    objects: ClassVar[Any] = OfContractQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contract"],
                condition=models.Q(state__in=["in_review", "approved"]),
                name="one_open_termination",
            ),
            models.CheckConstraint(
                condition=models.Q(charge__gte=0, charge__lte=models.F("computed")), name="termination_charge_range"
            ),
            models.CheckConstraint(
                condition=models.Q(charge=models.F("computed")) | ~models.Q(reduced_because=""),
                name="reduced_charge_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} early end"

    @property
    def reduction(self) -> Decimal:
        """How much less is charged than the contract says."""
        return self.computed - self.charge

    def get_absolute_url(self) -> str:
        """Where it is read: on its contract's page."""
        return reverse("contracts:contract", args=[self.contract.number]) + "#ending"

    @transition(field=state, source=State.IN_REVIEW, target=State.APPROVED, custom={"hidden": True})
    def approve(self) -> None:
        """The contract ends on the day named."""

    @transition(field=state, source=State.IN_REVIEW, target=State.REJECTED, custom={"hidden": True})
    def reject(self) -> None:
        """The contract goes on."""

    @transition(field=state, source=State.APPROVED, target=State.DONE, custom={"hidden": True})
    def carry_out(self) -> None:
        """The contract has ended and the charge is owed."""

    @transition(field=state, source=[State.IN_REVIEW, State.APPROVED], target=State.WITHDRAWN,
                permission="contracts.add_termination", custom={"label": "Withdraw", "needs_reason": True})  # fmt: skip
    def withdraw(self) -> None:
        """The contract goes on after all."""


class ContractCharge(models.Model):
    """What is owed once for a contract beside its prices, such as for its early end; written once, never changed."""

    class Kind(models.TextChoices):
        EARLY_TERMINATION = "early_termination", "Early termination"
        REDUCTION = "reduction", "Reduction"

    contract = models.ForeignKey("contracts.Contract", on_delete=models.PROTECT, related_name="charges")
    line = models.ForeignKey(
        "contracts.ContractLine", null=True, blank=True, on_delete=models.PROTECT, related_name="charges"
    )
    termination = models.ForeignKey(
        Termination, null=True, blank=True, on_delete=models.PROTECT, related_name="charges"
    )
    kind = models.CharField(max_length=20, choices=Kind)
    label = models.CharField(max_length=160)
    amount = models.DecimalField(max_digits=16, decimal_places=2)
    currency = models.CharField(max_length=3)
    steps = models.JSONField(default=list)
    due_on = models.DateField()
    billing_profile = models.ForeignKey(
        "crm.BillingProfile", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        triggers = [pgtrigger.Protect(name="charge_is_final", operation=pgtrigger.Update | pgtrigger.Delete)]
        constraints = [
            models.UniqueConstraint(
                fields=["termination", "line", "kind"], name="termination_charge_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=models.Q(kind="reduction", amount__lt=0)
                | models.Q(~models.Q(kind="reduction"), amount__gte=0),
                name="charge_sign",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} {self.amount}"


class BillingChange(models.Model):
    """From a day on, a product is billed by another line at another price, or no more. Rows are only added."""

    billing_start = models.ForeignKey("contracts.BillingStart", on_delete=models.PROTECT, related_name="changes")
    contract_line = models.ForeignKey(
        "contracts.ContractLine", null=True, blank=True, on_delete=models.PROTECT, related_name="billing_changes"
    )
    on = models.DateField(help_text="First day that it holds for; of an end, the day after the last one billed.")
    monthly = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    one_time = models.DecimalField(max_digits=14, decimal_places=2, default=0, help_text="Charged once, on that day.")
    ends = models.BooleanField(default=False, help_text="Nothing is billed from that day on.")
    because = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    id: int

    class Meta:
        ordering = ["on", "id"]
        triggers = [pgtrigger.Protect(name="change_is_final", operation=pgtrigger.Update | pgtrigger.Delete)]
        constraints = [
            models.UniqueConstraint(
                fields=["billing_start"], condition=models.Q(ends=True), name="billing_ends_once"
            ),
            models.UniqueConstraint(
                fields=["billing_start", "contract_line"], condition=models.Q(ends=False, contract_line__isnull=False),
                name="billing_follows_once",
            ),
            models.UniqueConstraint(
                fields=["billing_start", "because"], condition=models.Q(ends=False, contract_line=None),
                name="billing_follows_order_once",
            ),
            models.CheckConstraint(
                condition=models.Q(ends=False) | models.Q(monthly=0, one_time=0), name="ended_billing_is_free"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.because}, from {self.on}"


class BillingPause(models.Model):
    """Days on which a product rests and nothing recurring is billed for it."""

    billing_start = models.ForeignKey("contracts.BillingStart", on_delete=models.PROTECT, related_name="pauses")
    on = models.DateField(help_text="First day that is free.")
    until = models.DateField(null=True, blank=True, help_text="First day that is billed again.")
    because = models.CharField(max_length=200)
    id: int

    class Meta:
        ordering = ["on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["billing_start"], condition=models.Q(until=None), name="billing_rests_once"
            ),
            models.CheckConstraint(condition=models.Q(until=None) | models.Q(until__gte=models.F("on")),
                                   name="billing_rests_forward"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.because}, from {self.on}"

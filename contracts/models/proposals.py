"""Proposals: changes that one side wants and the other answers, and prices that follow a changed agreement."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django_fsm import transition

from crm.models import OfAccountQuerySet
from kernel import lifecycle
from kernel.models import Record
from kernel.models.statefield import StateField

RIGHT = "contracts.negotiate_agreement"


class OfAgreementQuerySet(OfAccountQuerySet):
    """Rows of an agreement: whoever sees its account sees them."""

    account_field = "agreement__account"


@lifecycle.guarded("state")
class Proposal(Record):
    """One change of an agreement that a side proposed; the other accepts it, refuses it, or proposes otherwise."""

    class Side(models.TextChoices):
        US = "us", "We"
        CUSTOMER = "customer", "The customer"

    class Part(models.TextChoices):
        TERM = "term", "Term"
        DISCOUNT = "discount", "Discount"
        PRICE = "price", "Fixed price"
        LEVEL = "level", "Service level"
        HEAD = "head", "Period and minimum term"

    class State(models.TextChoices):
        OPEN = "open"
        ACCEPTED = "accepted"
        REJECTED = "rejected"
        COUNTERED = "countered", "Answered otherwise"
        WITHDRAWN = "withdrawn"
        STALE = "stale", "Overtaken"

    agreement = models.ForeignKey("contracts.Agreement", on_delete=models.CASCADE, related_name="proposals")
    round = models.ForeignKey("contracts.NegotiationRound", on_delete=models.PROTECT, related_name="proposals")
    side = models.CharField(max_length=8, choices=Side)
    part = models.CharField(max_length=8, choices=Part)
    key = models.CharField(max_length=60, help_text="Which one of the part; “new” for one more.")
    label = models.CharField(max_length=160)
    before = models.JSONField(null=True, help_text="What it said when it was proposed; nothing for one more.")
    after = models.JSONField(null=True, help_text="What it should say; nothing to leave it out.")
    reason = models.TextField(blank=True)
    answers = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="answered_by")
    quote = models.ForeignKey(
        "contracts.Quote", null=True, blank=True, on_delete=models.PROTECT, related_name="proposals",
        help_text="The quote whose discount it takes into the agreement.",
    )  # fmt: skip
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_because = models.TextField(blank=True)
    state = StateField(default=State.OPEN, choices=State.choices, protected=True)
    id: int
    agreement_id: int

    objects: ClassVar[Any] = OfAgreementQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["agreement", "part", "key"], condition=models.Q(state="open") & ~models.Q(key="new"),
                name="one_open_proposal_an_item",
            ),
            models.CheckConstraint(
                condition=models.Q(before__isnull=False) | models.Q(after__isnull=False), name="proposal_says_something"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.label

    @transition(field=state, source=State.OPEN, target=State.ACCEPTED, permission=RIGHT, custom={"hidden": True})
    def accept(self) -> None:
        """The agreement says so now."""

    @transition(field=state, source=State.OPEN, target=State.REJECTED, permission=RIGHT, custom={"hidden": True})
    def reject(self) -> None:
        """The agreement stays as it was."""

    @transition(field=state, source=State.OPEN, target=State.COUNTERED, permission=RIGHT, custom={"hidden": True})
    def counter(self) -> None:
        """The other side proposes something else."""

    @transition(field=state, source=State.OPEN, target=State.WITHDRAWN, permission=RIGHT, custom={"hidden": True})
    def withdraw(self) -> None:
        """Whoever proposed it takes it back."""

    @transition(field=state, source=State.OPEN, target=State.STALE, custom={"hidden": True})
    def overtake(self) -> None:
        """What it was about changed meanwhile."""


@lifecycle.guarded("state")
class RepriceProposal(Record):
    """What an open quote would cost under the newer version of its agreement."""

    class State(models.TextChoices):
        OPEN = "open"
        ACCEPTED = "accepted"
        REJECTED = "rejected"
        STALE = "stale", "Overtaken"

    agreement = models.ForeignKey("contracts.Agreement", on_delete=models.PROTECT, related_name="reprices")
    quote = models.ForeignKey("contracts.Quote", on_delete=models.PROTECT, related_name="reprices")
    quote_edition = models.PositiveIntegerField()
    monthly_before = models.DecimalField(max_digits=16, decimal_places=2)
    monthly_after = models.DecimalField(max_digits=16, decimal_places=2)
    one_time_before = models.DecimalField(max_digits=16, decimal_places=2)
    one_time_after = models.DecimalField(max_digits=16, decimal_places=2)
    lines_changed = models.PositiveIntegerField(default=0)
    made = models.ForeignKey("contracts.Quote", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    state = StateField(default=State.OPEN, choices=State.choices, protected=True)
    id: int

    objects: ClassVar[Any] = OfAgreementQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["quote"], condition=models.Q(state="open"), name="one_open_reprice_a_quote"
            ),
            models.UniqueConstraint(fields=["quote", "agreement", "quote_edition"], name="reprice_once"),
        ]

    def __str__(self) -> str:
        return f"{self.quote} under {self.agreement}"

    @property
    def monthly(self) -> Any:
        """How much more a month."""
        return self.monthly_after - self.monthly_before

    @transition(field=state, source=State.OPEN, target=State.ACCEPTED, permission="contracts.edit_quote",
                custom={"hidden": True})  # fmt: skip
    def accept(self) -> None:
        """The quote has the new prices."""

    @transition(field=state, source=State.OPEN, target=State.REJECTED, permission="contracts.edit_quote",
                custom={"hidden": True})  # fmt: skip
    def reject(self) -> None:
        """The quote stays as it is."""

    @transition(field=state, source=State.OPEN, target=State.STALE, custom={"hidden": True})
    def overtake(self) -> None:
        """The quote or the agreement went on meanwhile."""

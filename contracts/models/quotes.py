"""Quotes: what is offered, site by site, line by line, with every price explained (TMF648)."""

from decimal import Decimal
from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.urls import reverse
from django_fsm import transition

from crm.models import OfAccountQuerySet
from kernel import lifecycle, words
from kernel.models import Record
from kernel.models.statefield import StateField

OPEN = ["draft", "in_review", "approved", "presented", "rejected"]


def _frozen(source: str) -> list[pgtrigger.Trigger]:
    """The database refuses any change of what a submitted version says, looking once a statement at all its rows.

    `source` leads from a row of the table, called one, to its quote_id.
    """

    def trigger(name: str, operation: pgtrigger.Operation, *tables: str) -> pgtrigger.Trigger:
        rows = " UNION ALL ".join(f"SELECT {source}" for source in (source.format(rows=table) for table in tables))
        return pgtrigger.Trigger(
            name=f"frozen_{name}",
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=operation,
            referencing=pgtrigger.Referencing(  # type: ignore[no-untyped-call]
                new="new_rows" if "new_rows" in tables else None, old="old_rows" if "old_rows" in tables else None
            ),
            func=f"""
                IF EXISTS (
                    SELECT 1 FROM contracts_quote quote
                    WHERE quote.id IN ({rows}) AND quote.state <> 'draft'
                ) THEN
                    RAISE EXCEPTION 'A submitted version of a quote does not change.' USING ERRCODE = 'check_violation';
                END IF;
                RETURN NULL;
            """,  # noqa: S608 – the parts are ours, written below
        )

    return [
        trigger("insert", pgtrigger.Insert, "new_rows"),
        trigger("update", pgtrigger.Update, "old_rows", "new_rows"),
        trigger("delete", pgtrigger.Delete, "old_rows"),
    ]


@lifecycle.guarded("state")
class Quote(Record):
    """One version of a quote. A submitted version never changes; a change makes the next version."""

    STAGES = ("draft", "in_review", "approved", "presented", "accepted", "completed")

    class State(models.TextChoices):
        DRAFT = "draft"
        IN_REVIEW = "in_review"
        APPROVED = "approved"
        PRESENTED = "presented"
        ACCEPTED = "accepted"
        COMPLETED = "completed", "Ordered"
        REJECTED = "rejected"
        SUPERSEDED = "superseded"
        DECLINED = "declined"
        EXPIRED = "expired"
        CANCELLED = "cancelled"

    class Purpose(models.TextChoices):
        NEW = "new", "New business"
        AMENDMENT = "amendment", "Change of a contract"
        RENEWAL = "renewal", "Renewal of a contract"

    number = models.CharField(max_length=20, editable=False)
    version = models.PositiveIntegerField(default=1)
    title = models.CharField(max_length=120)
    alternative_of = models.CharField(
        max_length=20, blank=True, db_index=True, help_text="Number of the quote that this one is an alternative to."
    )
    account = models.ForeignKey("crm.Account", on_delete=models.PROTECT, related_name="quotes")
    opportunity = models.ForeignKey(
        "crm.Opportunity", null=True, blank=True, on_delete=models.PROTECT, related_name="quotes"
    )
    agreement = models.ForeignKey(
        "contracts.Agreement", null=True, blank=True, on_delete=models.PROTECT, related_name="quotes"
    )
    basis = models.ForeignKey(
        "contracts.Contract", null=True, blank=True, on_delete=models.PROTECT, related_name="quotes",
        help_text="The contract that it starts from.",
    )  # fmt: skip
    purpose = models.CharField(max_length=10, choices=Purpose, default=Purpose.NEW)
    price_list = models.ForeignKey("catalog.PriceList", on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3, default="EUR")
    exchange_rate = models.DecimalField(
        max_digits=18, decimal_places=8, null=True, editable=False,
        help_text="What one of the price list's currency is worth here, when the list is in another one.",
    )  # fmt: skip
    rate_on = models.DateField(null=True, editable=False, help_text="The day that this rate is of.")
    term_months = models.PositiveIntegerField(default=36)
    manual_discount = models.DecimalField(
        max_digits=5, decimal_places=2, default=0, help_text="Percent on monthly prices."
    )
    valid_until = models.DateField()
    wish = models.TextField(blank=True, help_text="What the customer asked to change in this version.")
    note_for_approver = models.TextField(blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    state = StateField(default=State.DRAFT, choices=State.choices, protected=True)
    content_hash = models.CharField(max_length=64, blank=True, editable=False)
    monthly = models.DecimalField(max_digits=16, decimal_places=2, default=0, editable=False)
    monthly_list = models.DecimalField(max_digits=16, decimal_places=2, default=0, editable=False)
    monthly_agreed = models.DecimalField(
        max_digits=16, decimal_places=2, default=0, editable=False, help_text="Before the manual discount."
    )
    monthly_cost = models.DecimalField(max_digits=16, decimal_places=2, default=0, editable=False)
    one_time = models.DecimalField(max_digits=16, decimal_places=2, default=0, editable=False)
    one_time_cost = models.DecimalField(max_digits=16, decimal_places=2, default=0, editable=False)
    ramp_off = models.DecimalField(
        max_digits=16, decimal_places=2, default=0, editable=False, help_text="What ramps take off over the term."
    )
    over_term = models.DecimalField(
        max_digits=18, decimal_places=2, default=0, editable=False,
        help_text="The monthly prices over the term of each line, before ramps.",
    )  # fmt: skip
    over_term_agreed = models.DecimalField(max_digits=18, decimal_places=2, default=0, editable=False)
    over_term_cost = models.DecimalField(max_digits=18, decimal_places=2, default=0, editable=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.SET_NULL, related_name="+",
        help_text="The customer who filled it in the portal.",
    )  # fmt: skip
    asked_at = models.DateTimeField(null=True, editable=False, help_text="When they handed it in; before, a basket.")
    presented_at = models.DateTimeField(null=True, editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    id: int
    account_id: int

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        permissions = [
            ("edit_quote", "Can write quotes"),
            ("present_quote", "Can present quotes to customers"),
            ("view_margin", "Can see cost and margin"),
            ("request_quote", "Can ask for a quote of the own company"),
        ]
        indexes = [words.index("quote_words", "number", "title")]
        constraints = [
            models.UniqueConstraint(fields=["number", "version"], name="quote_version"),
            models.CheckConstraint(
                condition=models.Q(manual_discount__gte=0, manual_discount__lte=100), name="quote_discount_range"
            ),
            models.CheckConstraint(
                condition=models.Q(exchange_rate__isnull=True, rate_on__isnull=True)
                | models.Q(exchange_rate__gt=0, rate_on__isnull=False),
                name="quote_rate_has_day",
            ),
            models.UniqueConstraint(
                fields=["number"], condition=models.Q(state__in=["accepted", "completed"]), name="one_accepted_version"
            ),
            models.UniqueConstraint(
                fields=["asked_by"], condition=models.Q(asked_at=None, state="draft"), name="one_basket_each"
            ),
            models.CheckConstraint(
                condition=models.Q(purpose="new") | models.Q(basis__isnull=False), name="quote_change_has_contract"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} v{self.version}"

    def get_absolute_url(self) -> str:
        """Its page in the editor."""
        return reverse("contracts:quote", args=[self.number, self.version])

    @property
    def value(self) -> Decimal:
        """What the customer pays over the terms of all lines, ramps counted."""
        return self.over_term + self.one_time - self.ramp_off

    @property
    def terms_differ(self) -> bool:
        """Whether some lines have another term than the quote."""
        return self.over_term != self.monthly * self.term_months

    @transition(field=state, source=State.DRAFT, target=State.IN_REVIEW, permission="contracts.edit_quote",
                custom={"label": "Submit for review"})  # fmt: skip
    def submit(self) -> None:
        """Submitted; frozen from here on."""

    @transition(field=state, source=State.IN_REVIEW, target=State.DRAFT, permission="contracts.edit_quote",
                custom={"label": "Recall"})  # fmt: skip
    def recall(self) -> None:
        """Taken back before the decision."""

    @transition(field=state, source=State.IN_REVIEW, target=State.APPROVED, custom={"hidden": True})
    def approve(self) -> None:
        """Every approver agreed, or none was needed."""

    @transition(field=state, source=State.IN_REVIEW, target=State.REJECTED, custom={"hidden": True})
    def reject(self) -> None:
        """An approver refused."""

    @transition(field=state, source=State.REJECTED, target=State.DRAFT, permission="contracts.edit_quote",
                custom={"label": "Rework"})  # fmt: skip
    def rework(self) -> None:
        """Try again."""

    @transition(field=state, source=State.APPROVED, target=State.PRESENTED, permission="contracts.present_quote",
                custom={"label": "Present"})  # fmt: skip
    def present(self) -> None:
        """The customer has it."""

    @transition(field=state, source=State.PRESENTED, target=State.ACCEPTED, custom={"hidden": True})
    def accept(self) -> None:
        """Signed."""

    @transition(field=state, source=State.ACCEPTED, target=State.COMPLETED, custom={"hidden": True})
    def complete(self) -> None:
        """Ordered."""

    @transition(field=state, source=[State.APPROVED, State.PRESENTED], target=State.SUPERSEDED, custom={"hidden": True})
    def supersede(self) -> None:
        """A newer version, or an accepted alternative, replaces it."""

    @transition(field=state, source=State.PRESENTED, target=State.DECLINED, permission="contracts.present_quote",
                custom={"label": "Declined", "needs_reason": True})  # fmt: skip
    def decline(self) -> None:
        """The customer said no."""

    @transition(field=state, source=OPEN, target=State.EXPIRED, custom={"hidden": True})
    def expire(self) -> None:
        """Too late."""

    @transition(field=state, source=OPEN, target=State.CANCELLED, permission="contracts.edit_quote",
                custom={"label": "Cancel", "needs_reason": True})  # fmt: skip
    def cancel(self) -> None:
        """Withdrawn by us."""


class QuoteLine(models.Model):
    """One offering at one site. `key` stays the same over versions, orders and revisions."""

    quote = models.ForeignKey(
        Quote, on_delete=models.CASCADE, related_name="lines", db_index=False  # quote_line_key begins with it
    )  # fmt: skip
    key = models.UUIDField()
    position = models.PositiveIntegerField()
    site = models.ForeignKey("crm.Site", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    offering = models.ForeignKey("catalog.Offering", on_delete=models.PROTECT, related_name="+")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="children")
    quantity = models.PositiveIntegerField(default=1)
    characteristics = models.JSONField(default=dict, blank=True)
    problems = models.JSONField(default=dict, blank=True, help_text="Characteristic → what is wrong with it.")
    manual_discount = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    ramp = models.JSONField(default=list, blank=True, help_text="Steps of the monthly price, see catalog.ramps.")
    ramp_off = models.DecimalField(
        max_digits=14, decimal_places=2, default=0, help_text="What the ramp takes off over the term."
    )
    term_months = models.PositiveIntegerField(
        null=True, blank=True, help_text="Of this line alone; empty for the quote's."
    )
    requested_on = models.DateField(null=True, blank=True, help_text="When the customer wants it to work.")
    feasibility = models.ForeignKey(
        "cmdb.FeasibilityCheck", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    monthly = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    monthly_list = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    monthly_agreed = models.DecimalField(
        max_digits=14, decimal_places=2, default=0, help_text="Before the manual discount."
    )
    monthly_cost = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    one_time = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    one_time_list = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    one_time_cost = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    edition = models.PositiveIntegerField(default=1)
    id: int
    site_id: int | None

    class Meta:
        ordering = ["position", "id"]
        triggers = _frozen("one.quote_id FROM {rows} one")
        constraints = [
            models.UniqueConstraint(fields=["quote", "key"], name="quote_line_key"),
            models.UniqueConstraint(
                fields=["quote", "site", "offering"],
                condition=models.Q(parent__isnull=True),
                name="one_offering_a_site",
            ),
            models.CheckConstraint(condition=models.Q(quantity__gte=1), name="quote_line_quantity"),
            models.CheckConstraint(
                condition=models.Q(term_months__isnull=True) | models.Q(term_months__range=(1, 120)),
                name="quote_line_term",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.offering} at {self.site}"


class LinePrice(models.Model):
    """One charge of a line with the steps that led to it.

    `steps` is a list of {"step", "label", "detail", "before", "after"} with amounts as text; the last `after` rounds to
    `amount`. `rule` names the record that led to a step, `input` what it looked at. A recurring charge is for `period`
    months; a usage charge is the price of one unit, its tiers and what is included stand in `usage`.
    """

    line = models.ForeignKey(
        QuoteLine, on_delete=models.CASCADE, related_name="prices", db_index=False  # line_price_once begins with it
    )  # fmt: skip
    charge = models.CharField(max_length=10)
    label = models.CharField(max_length=80)
    list_amount = models.DecimalField(max_digits=18, decimal_places=6)
    amount = models.DecimalField(max_digits=18, decimal_places=6)
    cost = models.DecimalField(max_digits=18, decimal_places=6, default=0)
    period = models.PositiveIntegerField(default=1)
    usage = models.JSONField(null=True, blank=True)
    steps = models.JSONField(default=list)

    class Meta:
        ordering = ["id"]
        triggers = _frozen("line.quote_id FROM {rows} one JOIN contracts_quoteline line ON line.id = one.line_id")
        constraints = [models.UniqueConstraint(fields=["line", "charge", "label"], name="line_price_once")]

    def __str__(self) -> str:
        return f"{self.label} {self.amount}"

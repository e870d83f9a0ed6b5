"""Leads and opportunities: what may become a deal."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django_fsm import transition

from crm.models.accounts import Account, Contact, OfAccountQuerySet
from kernel import lifecycle
from kernel.models import Numbered
from kernel.models.statefield import StateField


@lifecycle.guarded("state")
class Lead(Numbered):
    """Somebody might buy something; no account needed yet."""

    PREFIX = "LED"
    STAGES = ("new", "contacted", "nurturing", "qualified", "converted")

    class State(models.TextChoices):
        NEW = "new"
        CONTACTED = "contacted"
        NURTURING = "nurturing"
        QUALIFIED = "qualified"
        CONVERTED = "converted"
        DISQUALIFIED = "disqualified"

    class Rating(models.TextChoices):
        HOT = "hot"
        WARM = "warm"
        COLD = "cold"

    company = models.CharField(max_length=120, blank=True)
    first_name = models.CharField(max_length=60)
    last_name = models.CharField(max_length=60)
    email = models.EmailField()
    phone = models.CharField(max_length=30, blank=True)
    job_title = models.CharField(max_length=80, blank=True)
    source = models.CharField(max_length=40, default="web", help_text="Web, fair, partner, referral, call …")
    need = models.TextField(help_text="What they want to achieve, in their words.")
    territory = models.CharField(max_length=60, blank=True)
    country = models.CharField(max_length=2, blank=True)
    score = models.PositiveSmallIntegerField(default=0)
    rating = models.CharField(max_length=5, choices=Rating, default=Rating.WARM)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    state = StateField(default=State.NEW, choices=State.choices, protected=True)
    disqualified_because = models.CharField(max_length=200, blank=True)
    converted_to = models.ForeignKey("Opportunity", null=True, on_delete=models.PROTECT, related_name="leads")
    came_with = models.ForeignKey("LeadImport", null=True, editable=False, on_delete=models.SET_NULL,
                                  related_name="leads")  # fmt: skip
    id: int

    class Meta:
        permissions = [("work_lead", "Can move leads"), ("convert_lead", "Can convert leads")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(score__lte=100), name="lead_score", violation_error_message="A score goes up to 100."
            )
        ]
        indexes = [models.Index(models.functions.Lower("email"), name="lead_email_lower")]

    def __str__(self) -> str:
        return f"{self.number} {self.company or self.last_name}"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("crm:lead", args=[self.number])

    @property
    def title(self) -> str:
        """The company, or the person where there is none."""
        return self.company or self.person

    @property
    def person(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()

    @transition(field=state, source=State.NEW, target=State.CONTACTED, permission="crm.work_lead",
                custom={"label": "Contacted"})  # fmt: skip
    def contact(self) -> None:
        """We have spoken."""

    @transition(field=state, source=State.CONTACTED, target=State.NURTURING, permission="crm.work_lead",
                custom={"label": "Nurture"})  # fmt: skip
    def nurture(self) -> None:
        """Not now, but keep warm."""

    @transition(field=state, source=State.NURTURING, target=State.QUALIFIED, permission="crm.work_lead",
                custom={"label": "Qualify"})  # fmt: skip
    def qualify(self) -> None:
        """Need, budget and decision maker are known."""

    @transition(field=state, source=[State.NEW, State.CONTACTED, State.NURTURING], target=State.DISQUALIFIED,
                permission="crm.work_lead", custom={"label": "Disqualify", "needs_reason": True})  # fmt: skip
    def disqualify(self, because: str = "") -> None:
        """There is nothing to sell here."""
        self.disqualified_because = because

    @transition(field=state, source=State.DISQUALIFIED, target=State.NEW, permission="crm.work_lead",
                custom={"label": "Reopen"})  # fmt: skip
    def reopen(self) -> None:
        """Start over."""
        self.disqualified_because = ""

    @transition(field=state, source=State.QUALIFIED, target=State.CONVERTED, permission="crm.convert_lead",
                custom={"hidden": True})  # fmt: skip
    def convert(self, to: "Opportunity") -> None:
        """It became an account with an opportunity."""
        self.converted_to = to


class LeadLine(models.Model):
    """What they might want: an offering, or words."""

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="lines")
    offering = models.ForeignKey("catalog.Offering", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    description = models.CharField(max_length=160, blank=True)
    quantity = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(offering__isnull=False) | ~models.Q(description=""),
                name="lead_line_says_something",
                violation_error_message="Choose an offering, or write what is wanted.",
            )
        ]

    def __str__(self) -> str:
        return self.description or str(self.offering)


class Stage(models.Model):
    """A stage of the sales pipeline, defined by the admin."""

    class Outcome(models.TextChoices):
        OPEN = "open"
        WON = "won"
        LOST = "lost"

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=60)
    position = models.PositiveIntegerField()
    probability = models.PositiveSmallIntegerField(help_text="Percent.")
    outcome = models.CharField(max_length=5, choices=Outcome, default=Outcome.OPEN)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(probability__lte=100),
                name="stage_probability",
                violation_error_message="A probability goes up to 100 percent.",
            )
        ]

    def __str__(self) -> str:
        return self.name


@lifecycle.guarded("state")
class Opportunity(Numbered):
    """A deal in the making for an account."""

    PREFIX = "OPP"

    class State(models.TextChoices):
        OPEN = "open"
        WON = "won"
        LOST = "lost"

    name = models.CharField(max_length=120)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="opportunities")
    contact = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="opportunities")
    state = StateField(default=State.OPEN, choices=State.choices, protected=True)
    currency = models.CharField(max_length=3, default="EUR")
    monthly = models.DecimalField(max_digits=14, decimal_places=2, default=0, help_text="Expected monthly revenue.")
    close_on = models.DateField(help_text="When we expect the signature.")
    closed_on = models.DateField(null=True, editable=False, help_text="When it was won or lost.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    competitors = models.CharField(max_length=200, blank=True)
    next_step = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=200, blank=True, help_text="Why it was won or lost.")
    need = models.TextField(blank=True)
    id: int

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "opportunities"
        permissions = [
            ("work_opportunity", "Can move opportunities"),
            ("reopen_opportunity", "Can reopen opportunities"),
            ("oversee_opportunity", "Can look after the deals of everybody"),
        ]
        indexes = [models.Index(fields=["state", "close_on"], name="opportunity_forecast")]

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("crm:opportunity", args=[self.number])

    @transition(
        field=state, source=State.OPEN, target=State.WON, permission="crm.work_opportunity", custom={"hidden": True}
    )
    def win(self, because: str = "") -> None:
        """The customer accepted."""
        self.reason, self.closed_on = because, timezone.localdate()

    @transition(field=state, source=State.OPEN, target=State.LOST, permission="crm.work_opportunity",
                custom={"label": "Lost", "needs_reason": True})  # fmt: skip
    def lose(self, because: str = "") -> None:
        """The customer declined."""
        self.reason, self.closed_on = because, timezone.localdate()

    @transition(field=state, source=[State.WON, State.LOST], target=State.OPEN, permission="crm.reopen_opportunity",
                custom={"label": "Reopen"})  # fmt: skip
    def reopen(self) -> None:
        """It is on again."""
        self.reason, self.closed_on = "", None


class OpportunityLine(models.Model):
    """What might be sold, with a preliminary price from the price list."""

    opportunity = models.ForeignKey(Opportunity, on_delete=models.CASCADE, related_name="lines")
    offering = models.ForeignKey("catalog.Offering", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    description = models.CharField(max_length=160, blank=True)
    quantity = models.PositiveIntegerField(default=1)
    monthly = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    one_time = models.DecimalField(max_digits=14, decimal_places=2, default=0)

    def __str__(self) -> str:
        return self.description or str(self.offering)

"""What prices rest on beside the lists: matrices by version, currencies and rates by date, margin floors, proration."""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.urls import reverse
from django_fsm import transition

from catalog.models.offerings import Charge, Offering, PriceList
from kernel import lifecycle, money
from kernel.models import Record
from kernel.models.statefield import StateField

CODE = RegexValidator(r"^[A-Z]{3}\Z", "Three capital letters, such as EUR.")


@lifecycle.guarded("state")
class PriceMatrix(Record):
    """One version of a grid of prices: rows and columns are values of characteristics, term, region and the like.

    `rows` and `columns` are {"by": [name, …], "heads": [[value, …], …]} with one value for each name; a value is a
    word, a number, a range such as 12..23 or 36.., or * for any. `cells` holds one text for each row and column; an
    empty one leaves the price as it is. A published version never changes.
    """

    STAGES = ("draft", "active", "retired")

    class State(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active", "Published"
        RETIRED = "retired"

    class How(models.TextChoices):
        AMOUNT = "amount", "The price of one"
        PERCENT = "percent", "Add percent"
        FACTOR = "factor", "Multiply by"

    key = models.SlugField(max_length=80)
    version = models.PositiveIntegerField(default=1)
    state = StateField(default=State.DRAFT, choices=State.choices, protected=True)
    name = models.CharField(max_length=80)
    price_list = models.ForeignKey(PriceList, on_delete=models.PROTECT, related_name="matrices")
    offering = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="matrices")
    charge = models.CharField(max_length=10, choices=Charge, default=Charge.RECURRING)
    label = models.CharField(
        "of the price", max_length=80, blank=True, help_text="Such as Monthly or Set-up. Empty means every price."
    )
    how = models.CharField("a cell says", max_length=10, choices=How, default=How.AMOUNT)
    rows = models.JSONField(default=dict)
    columns = models.JSONField(default=dict)
    cells = models.JSONField(default=list)
    starts_on = models.DateField(verbose_name="in force from", null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)
    note = models.CharField(max_length=200, blank=True, help_text="What this version changes.")
    id: int
    offering_id: int
    price_list_id: int

    class Meta:
        ordering = ["key", "version"]
        verbose_name_plural = "price matrices"
        permissions = [("publish_prices", "Can bring prices into force"), ("view_cost", "Can see what things cost us")]
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="price_matrix_version"),
            models.UniqueConstraint(fields=["key"], condition=models.Q(state="draft"), name="one_draft_of_a_matrix"),
            models.CheckConstraint(
                condition=models.Q(state="draft") | models.Q(published_at__isnull=False, starts_on__isnull=False),
                name="matrix_published_at",
                violation_error_message="A published matrix has its day.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("catalog:matrix", args=[self.key, self.version])

    @transition(field=state, source=State.DRAFT, target=State.ACTIVE, permission="catalog.publish_prices",
                custom={"label": "Publish", "hidden": True})  # fmt: skip
    def publish(self) -> None:
        """Published, in force from its day on."""

    @transition(field=state, source=State.ACTIVE, target=State.RETIRED, permission="catalog.publish_prices",
                custom={"label": "Retire", "hidden": True})  # fmt: skip
    def retire(self) -> None:
        """Retired; new prices no longer follow it."""


class CurrencyRule(models.Model):
    """How amounts of a currency are rounded from a day on."""

    class How(models.TextChoices):
        HALF_UP = "half_up", "Half up"
        HALF_EVEN = "half_even", "Half to even"
        UP = "up", "Always up"
        DOWN = "down", "Always down"

    currency = models.CharField(max_length=3, validators=[CODE])
    valid_from = models.DateField("from")
    smallest = models.DecimalField(
        "smallest amount", max_digits=8, decimal_places=2, help_text="Such as 0.01, 0.05, or 1 for no decimals."
    )
    how = models.CharField("rounded", max_length=10, choices=How, default=How.HALF_UP)

    class Meta:
        ordering = ["currency", "-valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["currency", "valid_from"], name="currency_rule_once"),
            models.CheckConstraint(
                condition=models.Q(smallest__gt=0),
                name="currency_smallest_positive",
                violation_error_message="The smallest amount is more than zero.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency} from {self.valid_from}"

    def clean(self) -> None:
        """Amounts of the currency can be kept."""
        if said := money.refusal(self.currency):
            raise ValidationError({"currency": said})


class ExchangeRate(models.Model):
    """What one currency is worth in another from a day on; a stored rate never changes, the next one follows it."""

    source = models.CharField("one", max_length=3, validators=[CODE])
    target = models.CharField("is worth so many", max_length=3, validators=[CODE])
    valid_from = models.DateField("from")
    rate = models.DecimalField(max_digits=18, decimal_places=8)
    origin = models.CharField("where from", max_length=80, blank=True, help_text="Such as ECB reference rate.")
    id: int

    class Meta:
        ordering = ["source", "target", "-valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["source", "target", "valid_from"], name="exchange_rate_once"),
            models.CheckConstraint(
                condition=models.Q(rate__gt=0),
                name="exchange_rate_positive",
                violation_error_message="A rate is more than zero.",
            ),
            models.CheckConstraint(
                condition=~models.Q(source=models.F("target")),
                name="exchange_rate_between_two",
                violation_error_message="A rate is between two different currencies.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} to {self.target} from {self.valid_from}"

    def clean(self) -> None:
        """Amounts of both currencies can be kept."""
        found = {name: said for name in ("source", "target") if (said := money.refusal(getattr(self, name)))}
        if found:
            raise ValidationError(found)


class MarginFloor(models.Model):
    """The margin in percent under which nobody of a role goes by hand, in a segment; empty means any."""

    role = models.CharField(max_length=40, blank=True)
    segment = models.CharField(max_length=30, blank=True)
    percent = models.DecimalField("least margin, %", max_digits=5, decimal_places=2)

    class Meta:
        ordering = ["segment", "role"]
        constraints = [
            models.UniqueConstraint(fields=["role", "segment"], name="margin_floor_once"),
            models.CheckConstraint(
                condition=models.Q(percent__gte=0, percent__lt=100),
                name="margin_floor_percent",
                violation_error_message="A margin is from 0 to less than 100 percent.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.percent} % for {self.role or 'every role'}, {self.segment or 'every segment'}"


class ProrationRule(models.Model):
    """How a part of a month is charged, by country and currency, from a day on; empty means any."""

    class Rule(models.TextChoices):
        ACTUAL = "actual", "By day, as many as the month has"
        THIRTY = "thirty", "By day, every month has 30"
        WHOLE = "whole", "A month begun is charged whole"
        FREE = "free", "Free until the next month"

    country = models.CharField(max_length=2, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    valid_from = models.DateField("from")
    rule = models.CharField(max_length=10, choices=Rule, default=Rule.ACTUAL)

    class Meta:
        ordering = ["country", "currency", "-valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["country", "currency", "valid_from"], name="proration_rule_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_rule_display()}, {self.country or 'every country'}"


__all__ = ["CurrencyRule", "ExchangeRate", "MarginFloor", "PriceMatrix", "ProrationRule"]

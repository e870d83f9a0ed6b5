"""The outlook of orders and lines: when they are expected, how badly the promise is in danger, how it has moved."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from fulfillment.models import Level
from orders.models.lines import OrderLine
from orders.models.orders import Order


class Outlook(models.Model):
    """What order and line have in common. `slip_days` is working days after the promise, negative before it."""

    level = models.PositiveSmallIntegerField(choices=Level, default=Level.NONE)
    reason = models.CharField(max_length=400, blank=True)
    expected_on = models.DateField(null=True, help_text="As likely as not done by then.")
    likely_on = models.DateField(null=True, help_text="Nine times of ten done by then.")
    slip_days = models.IntegerField(default=0)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.get_level_display()}, {self.expected_on}"

    @property
    def look(self) -> str:
        """The name under which its level is drawn."""
        return f"jeopardy_{Level(self.level).name.lower()}"


class OrderForecast(Outlook):
    """The jeopardy of an order: the worst of its own and of everything below it."""

    order = models.OneToOneField(Order, on_delete=models.CASCADE, primary_key=True, related_name="forecast")
    chance = models.PositiveSmallIntegerField(null=True, help_text="Percent that the promise holds.")
    cause = models.ForeignKey(
        "fulfillment.Task", null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False
    )
    paused = models.BooleanField(default=False, help_text="The order is held or in revision.")
    since = models.DateTimeField(null=True, help_text="When it reached this level.")
    assessed_at = models.DateTimeField()
    took = models.FloatField(default=0, help_text="Seconds that it took to work it out.")
    order_id: int

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["-level", "-slip_days"], condition=models.Q(level__gt=0), name="order_in_jeopardy")
        ]


class LineForecast(Outlook):
    """The jeopardy of a line."""

    line = models.OneToOneField(OrderLine, on_delete=models.CASCADE, primary_key=True, related_name="forecast")


class PromiseChange(models.Model):
    """One move of the promised date, with the reason that the customer reads."""

    class Code(models.TextChoices):
        ACCESS = "site_access", "We could not get into the site"
        CUSTOMER = "customer", "Something was needed from you first"
        SUPPLIER = "supplier", "A supplier delivers later"
        BUILD = "build", "Building the access takes longer"
        PORTING = "porting", "The other provider needs more time for your numbers"
        EQUIPMENT = "equipment", "Equipment comes later"
        CAPACITY = "capacity", "Our people are needed elsewhere first"
        FAULT = "fault", "Something had to be mended first"
        DATA = "data", "A technical value came later than planned"
        HOLD = "hold", "The order was on hold"
        WISH = "wish", "You asked for another date"

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="promise_changes")
    before = models.DateField()
    after = models.DateField()
    code = models.CharField(max_length=12, choices=Code)
    words = models.CharField(max_length=200, blank=True, help_text="More about it, as the customer may read it.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"

    @property
    def days(self) -> int:
        """Days later; negative when earlier."""
        return (self.after - self.before).days

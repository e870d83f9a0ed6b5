"""Business calendars: which days and hours count."""

import datetime as dt

from django.contrib.postgres.fields import ArrayField
from django.db import models


class BusinessCalendar(models.Model):
    """Working days of a country or team. Weekdays are 0 (Monday) to 6."""

    name = models.CharField(max_length=60, unique=True)
    country = models.CharField(
        max_length=2, blank=True, help_text="Work at places of this country counts on it, such as NL."
    )
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(), default=list, help_text="Empty means Monday to Friday.", blank=True
    )
    opens = models.TimeField(default=dt.time(8, 0))
    closes = models.TimeField(default=dt.time(17, 0))
    time_zone = models.CharField(max_length=40, default="Europe/Amsterdam")
    is_default = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="one_default_calendar"
            ),
            models.UniqueConstraint(fields=["country"], condition=~models.Q(country=""), name="one_calendar_a_country"),
        ]

    def __str__(self) -> str:
        return self.name


class Holiday(models.Model):
    """A day that does not count in one calendar."""

    calendar = models.ForeignKey(BusinessCalendar, on_delete=models.CASCADE, related_name="holidays")
    day = models.DateField()
    name = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["calendar", "day"], name="one_holiday_a_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"

"""Jeopardy: learned durations, where open work is expected to end, and how badly that threatens what was planned.

None of these tables is read or written by the steps of the engine; their rows carry no database constraint on tasks and
flows, so that writing them never takes a lock that a worker waits for.
"""

from django.conf import settings
from django.db import models

from fulfillment.models.definitions import Action
from fulfillment.models.flows import Flow, Task


class Level(models.IntegerChoices):
    """How much a date is in danger."""

    NONE = 0, "None"
    LOW = 1, "Low"
    MEDIUM = 2, "Medium"
    HIGH = 3, "High"
    CRITICAL = 4, "Critical"


class LearnedDuration(models.Model):
    """How long an item of a plan takes in truth: working days of its calendar, from the last tasks completed."""

    specification_key = models.SlugField(max_length=80)
    action = models.CharField(max_length=10, choices=Action)
    item_key = models.SlugField(max_length=60)
    samples = models.PositiveIntegerField()
    days = models.PositiveSmallIntegerField(default=0, help_text="On how many days those tasks ended.")
    p50 = models.DecimalField(max_digits=8, decimal_places=3, help_text="Half of the tasks took no longer.")
    p90 = models.DecimalField(max_digits=8, decimal_places=3, help_text="Nine of ten tasks took no longer.")
    learned_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["specification_key", "action", "item_key"], name="learned_duration_once")
        ]

    def __str__(self) -> str:
        return f"{self.specification_key} {self.action} {self.item_key}"


class Forecast(models.Model):
    """What tasks and flows have in common: when it is expected to end, and its level with the reason in words."""

    root_type = models.CharField(max_length=60)
    root_id = models.BigIntegerField()
    ends_on = models.DateField(help_text="As likely as not done by then.")
    likely_on = models.DateField(help_text="Nine times of ten done by then.")
    critical = models.BooleanField(default=False, help_text="On the critical path.")
    days_late = models.IntegerField(default=0, help_text="Working days after its baseline; negative when early.")
    level = models.PositiveSmallIntegerField(choices=Level, default=Level.NONE)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.get_level_display()}, {self.ends_on}"

    @property
    def look(self) -> str:
        """The name under which its level is drawn."""
        return f"jeopardy_{Level(self.level).name.lower()}"


class TaskForecast(Forecast):
    """An open task. `slack` is how many working days it may slip before the whole ends later."""

    task = models.OneToOneField(
        Task, on_delete=models.CASCADE, primary_key=True, related_name="forecast", db_constraint=False
    )
    starts_on = models.DateField()
    slack = models.DecimalField(max_digits=7, decimal_places=2, default=0)

    class Meta:
        indexes = [models.Index(fields=["root_type", "root_id"], name="task_forecast_root")]


class FlowForecast(Forecast):
    """A flow with open tasks."""

    flow = models.OneToOneField(
        Flow, on_delete=models.CASCADE, primary_key=True, related_name="forecast", db_constraint=False
    )

    class Meta:
        indexes = [models.Index(fields=["root_type", "root_id"], name="flow_forecast_root")]


class TaskDate(models.Model):
    """A day on which people say that a task will be done; it counts instead of the task's duration."""

    task = models.OneToOneField(
        Task, on_delete=models.CASCADE, primary_key=True, related_name="told_date", db_constraint=False
    )
    ends_on = models.DateField()
    reason = models.CharField(max_length=200)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.task_id} by {self.ends_on}"


class Recheck(models.Model):
    """A root whose outlook has to be worked out again. Only added and removed, so that nobody waits for anybody.

    `urgent` ones are looked at before those of which some step just ended.
    """

    root_type = models.CharField(max_length=60)
    root_id = models.BigIntegerField()
    urgent = models.BooleanField(default=False)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.root_type} {self.root_id}"

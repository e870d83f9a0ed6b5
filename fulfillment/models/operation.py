"""Operation: the maintenance switch, limits of what runs at once, and what is known of systems that do not answer."""

from django.conf import settings
from django.db import models

from kernel.models import RecordQuerySet


class Pause(models.Model):
    """A time in which nothing new starts, in the whole engine. One that has not ended is in force."""

    reason = models.CharField(max_length=200)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", help_text="Empty: an operator."
    )
    since = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    slot = models.PositiveSmallIntegerField(default=1, editable=False)

    objects = RecordQuerySet.as_manager()

    class Meta:
        permissions = [("pause_engine", "Can pause and resume the whole engine")]
        constraints = [
            models.UniqueConstraint(
                fields=["slot"], condition=models.Q(ended_at__isnull=True), name="one_pause_in_force"
            )
        ]

    def __str__(self) -> str:
        return f"Pause: {self.reason}"


class Capacity(models.Model):
    """How much runs at once: open calls of a system, or tasks in progress of a team. Without a row, any number."""

    class Kind(models.TextChoices):
        SYSTEM = "system", "Open calls of a system"
        TEAM = "team", "Tasks in progress of a team"

    kind = models.CharField(max_length=6, choices=Kind)
    name = models.CharField(max_length=60, help_text="Key of the system, such as provisioning; or name of the team.")
    most = models.PositiveIntegerField("at most")

    class Meta:
        verbose_name_plural = "capacities"
        ordering = ["kind", "name"]
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="capacity_once")]

    def __str__(self) -> str:
        return f"{self.name}: at most {self.most}"


class Breaker(models.Model):
    """What all workers know of a system that failed several times in a row. Until `open_until` nobody calls it."""

    system = models.CharField(max_length=40, unique=True)
    failures = models.PositiveIntegerField(default=0)
    open_until = models.DateTimeField(null=True)
    cause = models.CharField(max_length=200, blank=True)
    since = models.DateTimeField(null=True, help_text="First failure in a row.")

    def __str__(self) -> str:
        return f"{self.system}: {self.failures} failures"

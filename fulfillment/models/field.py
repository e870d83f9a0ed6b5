"""Work in the field and special projects: people, windows, phases."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django_fsm import transition

from crm.models import OfAccountQuerySet
from fulfillment.models.flows import Task
from kernel import lifecycle
from kernel.models import Numbered, Record
from kernel.models.statefield import StateField


class WorkOrder(Numbered):
    """A visit to a site for a field-work task (TMF697)."""

    PREFIX = "WO"

    task = models.OneToOneField(Task, on_delete=models.CASCADE, related_name="work_order")
    account = models.ForeignKey("crm.Account", on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey("crm.Site", on_delete=models.PROTECT, related_name="work_orders")
    technician = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="work_orders"
    )
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True)

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(starts_at__isnull=True) | models.Q(ends_at__gt=models.F("starts_at")),
                name="work_order_window",
            )
        ]


class ProjectTemplate(Record):
    """Phases and tasks of a kind of project: [{"name", "tasks": [{"name", "days", "team"}]}]."""

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    phases = models.JSONField(default=list)
    budget_share = models.DecimalField(
        max_digits=5, decimal_places=2, default=100, help_text="Percent of the build cost."
    )


@lifecycle.guarded("state")
class Project(Numbered):
    """Special work beside an order, such as building access: it and its task wait for each other."""

    PREFIX = "PRJ"
    STAGES = ("planned", "in_progress", "completed")

    class State(models.TextChoices):
        PLANNED = "planned"
        IN_PROGRESS = "in_progress"
        ON_HOLD = "on_hold"
        COMPLETED = "completed"
        CANCELLED = "cancelled"

    name = models.CharField(max_length=160)
    template = models.ForeignKey(ProjectTemplate, on_delete=models.PROTECT, related_name="projects")
    task = models.OneToOneField(Task, on_delete=models.CASCADE, related_name="project")
    account = models.ForeignKey("crm.Account", on_delete=models.PROTECT, related_name="projects")
    site = models.ForeignKey("crm.Site", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    root_number = models.CharField(max_length=20, db_index=True)
    manager = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    budget = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    currency = models.CharField(max_length=3, default="EUR")
    baseline_end = models.DateField(null=True)
    state = StateField(default=State.PLANNED, choices=State.choices, protected=True)
    id: int

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        permissions = [("run_project", "Can run projects")]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("fulfillment:project", args=[self.number])

    @transition(field=state, source=State.PLANNED, target=State.IN_PROGRESS, custom={"hidden": True})
    def start(self) -> None:
        """Its task became ready."""

    @transition(field=state, source=State.IN_PROGRESS, target=State.ON_HOLD, permission="fulfillment.run_project",
                custom={"label": "Hold", "needs_reason": True})  # fmt: skip
    def hold(self) -> None:
        """Paused."""

    @transition(field=state, source=State.ON_HOLD, target=State.IN_PROGRESS, permission="fulfillment.run_project",
                custom={"label": "Resume"})  # fmt: skip
    def resume(self) -> None:
        """Goes on."""

    @transition(field=state, source=State.IN_PROGRESS, target=State.COMPLETED, custom={"hidden": True})
    def complete(self) -> None:
        """Every project task is done."""

    @transition(field=state, source=[State.PLANNED, State.IN_PROGRESS, State.ON_HOLD], target=State.CANCELLED,
                custom={"hidden": True})  # fmt: skip
    def cancel(self) -> None:
        """Its order was cancelled."""


class ProjectTask(models.Model):
    """One task of a project, in a phase."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tasks")
    phase = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    position = models.PositiveIntegerField()
    team = models.CharField(max_length=60, blank=True)
    planned_start = models.DateField(null=True)
    planned_end = models.DateField(null=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["project", "position"], name="project_task_position")]

    def __str__(self) -> str:
        return self.name

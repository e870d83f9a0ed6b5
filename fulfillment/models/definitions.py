"""Plan definitions: specification × action × condition → items with dependencies. Data, versioned."""

import datetime as dt

from django.db import models
from django.urls import reverse
from django_fsm import transition

from kernel import lifecycle
from kernel.models import Record
from kernel.models.statefield import StateField


class Action(models.TextChoices):
    """What happens to an instance (TMF622 item action, plus ours)."""

    ADD = "add"
    MODIFY = "modify"
    DELETE = "delete"
    SUSPEND = "suspend"
    RESUME = "resume"
    MOVE = "move"


@lifecycle.guarded("state")
class PlanDefinition(Record):
    """How instances of a specification are added, changed or ended."""

    class State(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"
        RETIRED = "retired"

    key = models.SlugField(max_length=80)
    version = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=120)
    specification = models.ForeignKey("catalog.Specification", on_delete=models.PROTECT, related_name="plans")
    action = models.CharField(max_length=10, choices=Action, default=Action.ADD)
    condition = models.CharField(
        max_length=300, blank=True, help_text="Expression; the first plan that holds is taken."
    )
    position = models.PositiveIntegerField(default=0)
    starts_on = models.DateField(null=True, blank=True, help_text="New flows follow it from this day on.")
    ends_on = models.DateField(null=True, blank=True, help_text="The first day on which a later version holds.")
    state = StateField(default=State.DRAFT, choices=State.choices, protected=True)
    id: int

    class Meta:
        permissions = [("publish_plan", "Can publish plan definitions")]
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="plan_version"),
            models.UniqueConstraint(fields=["key"], condition=models.Q(state="draft"), name="one_draft_per_plan"),
            models.CheckConstraint(
                condition=models.Q(state="draft") | models.Q(starts_on__isnull=False), name="published_plan_has_a_start"
            ),
        ]

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("fulfillment:plan", args=[self.key, self.version])

    def holds_on(self, day: dt.date) -> bool:
        """Whether new flows of that day follow it."""
        begun = self.starts_on is not None and self.starts_on <= day
        return self.state == self.State.ACTIVE and begun and (self.ends_on is None or day < self.ends_on)

    @transition(field=state, source=State.DRAFT, target=State.ACTIVE, permission="fulfillment.publish_plan")
    def publish(self) -> None:
        """New flows follow it."""

    @transition(field=state, source=State.ACTIVE, target=State.RETIRED, permission="fulfillment.publish_plan")
    def retire(self) -> None:
        """Running flows go on; new ones take another."""


class Kind(models.TextChoices):
    """What kind of work an item is."""

    MANUAL = "manual", "By a person"
    AUTOMATIC = "automatic", "Automatic"
    API_CALL = "api_call", "API call"
    WAIT_EVENT = "wait_event", "Waits for an event"
    MILESTONE = "milestone", "Milestone"
    FIELD_WORK = "field_work", "Field work"
    PROJECT = "project", "Project"
    TIMER = "timer", "Timer"


class PlanItem(models.Model):
    """One step of a plan definition."""

    class NoReturn(models.TextChoices):
        NONE = "none", "None"
        SOFT = "soft"
        HARD = "hard"

    class Compensation(models.TextChoices):
        NONE = "none", "None"
        REDO = "redo"
        UNDO = "undo"
        UNDO_THEN_REDO = "undo_then_redo", "Undo, then redo"
        MANUAL = "manual"

    definition = models.ForeignKey(PlanDefinition, on_delete=models.CASCADE, related_name="items")
    key = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=Kind)
    position = models.PositiveIntegerField(default=0)
    condition = models.CharField(max_length=300, blank=True, help_text="Left out of the flow unless it holds.")
    duration_days = models.DecimalField(max_digits=6, decimal_places=2, default=0, help_text="Working days.")
    calendar = models.CharField(max_length=60, blank=True)
    team = models.CharField(max_length=60, blank=True, help_text="Assignment group.")
    skill = models.CharField(max_length=60, blank=True)
    sla_hours = models.PositiveIntegerField(default=24)
    no_return = models.CharField(max_length=5, choices=NoReturn, default=NoReturn.NONE)
    compensation = models.CharField(max_length=15, choices=Compensation, default=Compensation.REDO)
    max_attempts = models.PositiveIntegerField(default=3)
    fallout_team = models.CharField(max_length=60, blank=True)
    adapter = models.CharField(max_length=40, blank=True, help_text="System called by an API call or awaited.")
    operation = models.CharField(max_length=60, blank=True)
    inputs = models.JSONField(default=list, blank=True, help_text="Characteristics that the step needs.")
    outputs = models.JSONField(default=list, blank=True, help_text="Characteristics that the step supplies.")
    form = models.JSONField(
        default=list, blank=True, help_text="Fields a person fills: {key,label,type,choices,required}."
    )
    checklist = models.JSONField(default=list, blank=True, help_text="Points to tick.")
    stage = models.CharField(max_length=40, blank=True, help_text="Plain-word stage that the customer reads.")
    template = models.CharField(max_length=60, blank=True, help_text="Project template of a project item.")
    timer_seconds = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["definition", "key"], name="plan_item_once")]

    def __str__(self) -> str:
        return self.name


class DependencyKind(models.TextChoices):
    """Which end waits for which."""

    FS = "FS", "Finish to start"
    SS = "SS", "Start to start"
    FF = "FF", "Finish to finish"
    SF = "SF", "Start to finish"


class PlanDependency(models.Model):
    """`after` waits for `before`: inside the plan, or for an item of another specification's plan in the scope."""

    class Scope(models.TextChoices):
        FLOW = "flow", "Same flow"
        LINE = "line", "Same order line"
        BUNDLE = "bundle", "Same bundle"
        SITE = "site", "Same site"
        ORDER = "order", "Same order"

    after = models.ForeignKey(PlanItem, on_delete=models.CASCADE, related_name="waits_for")
    before = models.ForeignKey(PlanItem, null=True, blank=True, on_delete=models.CASCADE, related_name="releases")
    before_specification = models.SlugField(max_length=80, blank=True, help_text="Across flows: its specification.")
    before_item = models.SlugField(max_length=60, blank=True, help_text="Across flows: its item; empty means the end.")
    scope = models.CharField(max_length=6, choices=Scope, default=Scope.FLOW)
    kind = models.CharField(max_length=2, choices=DependencyKind, default=DependencyKind.FS)
    lag_days = models.DecimalField(max_digits=6, decimal_places=2, default=0)

    class Meta:
        verbose_name_plural = "plan dependencies"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scope="flow", before__isnull=False)
                | (~models.Q(scope="flow") & ~models.Q(before_specification="")),
                name="plan_dependency_names_its_before",
            )
        ]

    def __str__(self) -> str:
        return f"{self.after} after {self.before or self.before_specification}"

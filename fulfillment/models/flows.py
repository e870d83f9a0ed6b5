"""Flows and tasks: plan definitions at work. The engine knows no order: a flow carries references of its owner."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django_fsm import transition

from crm.models import OfAccountQuerySet
from fulfillment.models.definitions import Action, DependencyKind, Kind, PlanDefinition, PlanItem
from fulfillment.models.queue import TRIGGERS
from kernel import lifecycle
from kernel.models import Numbered, Record
from kernel.models.statefield import StateField

MACHINE = ["automatic", "api_call", "milestone", "timer", "wait_event", "project"]  # kinds that a worker begins


@lifecycle.guarded("state")
class Flow(Record):
    """One plan at work for one owner.

    `owner_*` is the record whose work this is (a domain order, a case); `root_*` is what people call it by (the order);
    `line_key`, `bundle_key` and `site` are scopes of dependencies across flows. `data` holds characteristic values,
    first the owner's, then also what tasks put out.
    """

    class State(models.TextChoices):
        PLANNED = "planned"
        IN_PROGRESS = "in_progress"
        ON_HOLD = "on_hold"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"

    created_at = models.DateTimeField(auto_now_add=True)
    definition = models.ForeignKey(PlanDefinition, on_delete=models.PROTECT, related_name="flows")
    specification_key = models.SlugField(max_length=80, db_index=False)
    name = models.CharField(max_length=160)
    action = models.CharField(max_length=10, choices=Action, default=Action.ADD)
    owner_type = models.CharField(max_length=60)
    owner_id = models.BigIntegerField()
    root_type = models.CharField(max_length=60)
    root_id = models.BigIntegerField()
    root_number = models.CharField(max_length=20)
    line_key = models.CharField(max_length=40, blank=True)
    bundle_key = models.CharField(max_length=40, blank=True, help_text="The line at the head of its bundle.")
    account = models.ForeignKey("crm.Account", on_delete=models.PROTECT, related_name="flows")
    site = models.ForeignKey(
        "crm.Site", null=True, blank=True, on_delete=models.PROTECT, related_name="flows", db_index=False
    )
    data = models.JSONField(default=dict)
    priority = models.PositiveSmallIntegerField(default=50)
    requested_on = models.DateField(null=True)
    planned_start = models.DateField(null=True)
    planned_end = models.DateField(null=True)
    estimated_end = models.DateField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    state = StateField(default=State.PLANNED, choices=State.choices, protected=True)
    id: int
    site_id: int | None

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["root_type", "root_id"]),
            models.Index(fields=["site", "specification_key"]),
            models.Index(fields=["root_number"], name="flow_root_number"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["owner_type", "owner_id", "definition"], name="one_flow_per_owner_and_plan")
        ]

    def __str__(self) -> str:
        return self.name

    @transition(field=state, source=State.PLANNED, target=State.IN_PROGRESS, custom={"hidden": True})
    def start(self) -> None:
        """The first task started."""

    @transition(field=state, source=[State.PLANNED, State.IN_PROGRESS], target=State.ON_HOLD,
                permission="fulfillment.hold_flow", custom={"label": "Hold", "needs_reason": True})  # fmt: skip
    def hold(self) -> None:
        """No new task starts."""

    @transition(field=state, source=State.ON_HOLD, target=State.IN_PROGRESS, permission="fulfillment.hold_flow",
                custom={"label": "Resume"})  # fmt: skip
    def resume(self) -> None:
        """Goes on."""

    @transition(field=state, source=State.ON_HOLD, target=State.PLANNED, custom={"hidden": True})
    def wait_again(self) -> None:
        """Resumed before anything of it had started."""

    @transition(field=state, source=[State.PLANNED, State.IN_PROGRESS], target=State.COMPLETED, custom={"hidden": True})
    def complete(self) -> None:
        """Every task is closed."""

    @transition(field=state, source=[State.IN_PROGRESS, State.ON_HOLD], target=State.FAILED, custom={"hidden": True})
    def fail(self) -> None:
        """It cannot be done."""

    @transition(field=state, source=[State.PLANNED, State.IN_PROGRESS, State.ON_HOLD], target=State.CANCELLED,
                custom={"hidden": True})  # fmt: skip
    def cancel(self) -> None:
        """Not wanted any more."""


@lifecycle.guarded("state")
class Task(Numbered):
    """One piece of work, by a person or a machine.

    `waits_for` counts unmet dependencies; at 0 a planned task becomes ready. `lease_until` and `fence` guard a worker's
    claim: only the holder of the latest fence may write the outcome.
    """

    PREFIX = "TSK"
    STAGES = ("planned", "ready", "in_progress", "completed")

    class State(models.TextChoices):
        PLANNED = "planned"
        READY = "ready"
        IN_PROGRESS = "in_progress"
        ON_HOLD = "on_hold"
        AWAITING_INFORMATION = "awaiting_information"
        COMPLETED = "completed"
        FAILED = "failed"
        SKIPPED = "skipped"
        DISCARDED = "discarded"
        CANCELLED = "cancelled"

    class Mode(models.TextChoices):
        DO = "do"
        UNDO = "undo"
        REDO = "redo"

    CLOSED = (State.COMPLETED, State.SKIPPED, State.DISCARDED, State.CANCELLED)
    UNSTARTED = (State.PLANNED, State.READY)

    created_at = models.DateTimeField(auto_now_add=True)
    number = models.CharField(max_length=20, editable=False)
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    item = models.ForeignKey(PlanItem, on_delete=models.PROTECT, related_name="tasks")
    account = models.ForeignKey("crm.Account", on_delete=models.PROTECT, related_name="+")
    key = models.SlugField(max_length=60, db_index=False)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=Kind)
    mode = models.CharField(max_length=4, choices=Mode, default=Mode.DO)
    position = models.PositiveIntegerField(default=0)
    state = StateField(default=State.PLANNED, choices=State.choices, protected=True)
    team = models.CharField(max_length=60, blank=True)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="tasks", db_index=False
    )
    priority = models.PositiveSmallIntegerField(default=50)
    waits_for = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True, help_text="Not before: a retry, a timer.")
    lease_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0)
    planned_start = models.DateField(null=True)
    planned_end = models.DateField(null=True)
    estimated_end = models.DateField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    result = models.JSONField(default=dict, blank=True)
    ticked = models.JSONField(default=list, blank=True, help_text="Points of the checklist that are done.")
    problem = models.CharField(max_length=300, blank=True)
    fell_out_at = models.DateTimeField(null=True, help_text="When it last failed for good.")
    reason = models.CharField(max_length=200, blank=True, help_text="Why held or skipped.")
    id: int
    flow_id: int

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        permissions = [
            ("work_task", "Can work on tasks"),
            ("assign_task", "Can assign tasks to others"),
            ("skip_task", "Can skip tasks"),
            ("hold_flow", "Can hold and resume flows"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="task_number"),
            models.UniqueConstraint(fields=["flow", "key", "mode"], name="task_once_per_flow"),
        ]
        # No index names the state: moves stay within their page (heap-only), which makes them several times cheaper.
        indexes = [
            models.Index(fields=["lease_until"], condition=models.Q(lease_until__isnull=False), name="task_leased"),
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="task_due"),
            models.Index(fields=["team"], condition=~models.Q(team=""), name="task_team"),
            models.Index(fields=["assignee"], condition=models.Q(assignee__isnull=False), name="task_assignee"),
            models.Index(fields=["flow"], condition=~models.Q(problem=""), name="task_problem"),
        ]
        triggers = TRIGGERS

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("fulfillment:task", args=[self.number])

    @property
    def in_fallout(self) -> bool:
        """Whether it waits for somebody to mend it."""
        return self.state == self.State.ON_HOLD and bool(self.problem)

    @property
    def idempotency_key(self) -> str:
        """The same for every try of the same work; another database's task of that number has another."""
        return f"{self.number}-{self.mode}-{int(self.created_at.timestamp() * 1000):x}"

    @transition(field=state, source=State.PLANNED, target=State.READY, custom={"hidden": True})
    def release(self) -> None:
        """Everything it waits for is done."""

    @transition(field=state, source=State.READY, target=State.IN_PROGRESS, permission="fulfillment.work_task",
                custom={"label": "Start"})  # fmt: skip
    def start(self) -> None:
        """Somebody, or a worker, is at it."""

    @transition(field=state, source=State.IN_PROGRESS, target=State.ON_HOLD, permission="fulfillment.work_task",
                custom={"label": "Hold", "needs_reason": True})  # fmt: skip
    def hold(self, because: str = "") -> None:
        """Paused; also while its fallout is open."""
        self.reason = because

    @transition(field=state, source=State.ON_HOLD, target=State.IN_PROGRESS, permission="fulfillment.work_task",
                custom={"label": "Resume"})  # fmt: skip
    def resume(self) -> None:
        """Goes on."""
        self.reason = ""

    @transition(field=state, source=State.IN_PROGRESS, target=State.AWAITING_INFORMATION,
                permission="fulfillment.work_task",
                custom={"label": "Await information", "needs_reason": True})  # fmt: skip
    def await_information(self, because: str = "") -> None:
        """Somebody outside has to answer first."""
        self.reason = because

    @transition(field=state, source=State.AWAITING_INFORMATION, target=State.IN_PROGRESS,
                permission="fulfillment.work_task", custom={"label": "Information is here"})  # fmt: skip
    def informed(self) -> None:
        """The answer is here."""
        self.reason = ""

    @transition(field=state, source=State.IN_PROGRESS, target=State.COMPLETED, permission="fulfillment.work_task",
                custom={"label": "Complete"})  # fmt: skip
    def complete(self) -> None:
        """Done."""

    @transition(field=state, source=[State.READY, State.IN_PROGRESS], target=State.FAILED,
                permission="fulfillment.work_task",
                custom={"label": "Report a problem", "needs_reason": True})  # fmt: skip
    def fail(self, problem: str = "") -> None:
        """It did not work."""
        self.problem = problem[:300]

    @transition(field=state, source=State.FAILED, target=State.READY, custom={"hidden": True})
    def retry(self) -> None:
        """Once more."""
        self.problem = ""

    @transition(field=state, source=[State.PLANNED, State.READY], target=State.SKIPPED,
                permission="fulfillment.skip_task", custom={"label": "Skip", "needs_reason": True})  # fmt: skip
    def skip(self, because: str = "") -> None:
        """Not needed here."""
        self.reason = because

    @transition(field=state, source=[State.PLANNED, State.READY], target=State.DISCARDED, custom={"hidden": True})
    def discard(self) -> None:
        """A revision took it out."""

    @transition(field=state, source=[State.PLANNED, State.READY], target=State.CANCELLED, custom={"hidden": True})
    def cancel(self) -> None:
        """The order was cancelled."""


class TaskDependency(models.Model):
    """One task waits for another. `met_at` is set, and the counter lowered, once."""

    after = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="dependencies", db_index=False)
    before = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="dependents")
    kind = models.CharField(max_length=2, choices=DependencyKind, default=DependencyKind.FS)
    lag_days = models.DecimalField(max_digits=6, decimal_places=2, default=0)
    met_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "task dependencies"
        constraints = [
            models.UniqueConstraint(fields=["after", "before", "kind"], name="task_dependency_once"),
            models.CheckConstraint(condition=~models.Q(after=models.F("before")), name="task_waits_for_another"),
        ]

    def __str__(self) -> str:
        return f"{self.after_id} after {self.before_id}"


class Attempt(models.Model):
    """One try of a task at an outside system: what was sent, what came back. Secrets are masked before storing."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveIntegerField()
    system = models.CharField(max_length=40)
    operation = models.CharField(max_length=60)
    idempotency_key = models.CharField(max_length=80)
    request = models.JSONField(default=dict)
    response = models.JSONField(default=dict)
    status = models.PositiveSmallIntegerField(null=True, help_text="HTTP status; empty when no answer came.")
    outcome = models.CharField(max_length=12, help_text="done, accepted, rejected, retry, unknown")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["task", "number"], name="attempt_once")]

    def __str__(self) -> str:
        return f"Attempt {self.number} of {self.task_id}"


class Callback(models.Model):
    """A message that an outside system sent us, kept whether or not it moved anything; a repeat has no effect."""

    system = models.CharField(max_length=40)
    event_id = models.CharField(max_length=80)
    task = models.ForeignKey(Task, null=True, on_delete=models.SET_NULL, related_name="callbacks")
    payload = models.JSONField(default=dict)
    effect = models.CharField(max_length=40, help_text="completed, failed, none …")
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["system", "event_id"], name="callback_once")]

    def __str__(self) -> str:
        return f"{self.system} {self.event_id}"

"""Cases: what a customer reports, asks or complains about, until it is solved (TMF621)."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django_fsm import transition

from crm.models.accounts import OfAccountQuerySet
from kernel import lifecycle
from kernel.models import Numbered
from kernel.models.statefield import StateField

WORK = "crm.work_case"
READ_BY_CUSTOMER = {"needs_reason": True, "read_by": "The customer reads it."}


@lifecycle.guarded("state")
class Case(Numbered):
    """One matter of one customer. `about` is the number of an order, product or service of theirs."""

    PREFIX = "CAS"
    STAGES = ("acknowledged", "in_progress", "resolved", "closed")
    TMF: ClassVar[dict[str, str]] = {
        "acknowledged": "acknowledged", "in_progress": "inProgress", "pending": "pending", "held": "held",
        "resolved": "resolved", "closed": "closed", "rejected": "rejected", "cancelled": "cancelled",
    }  # fmt: skip

    class State(models.TextChoices):
        ACKNOWLEDGED = "acknowledged"
        IN_PROGRESS = "in_progress"
        PENDING = "pending", "Waits for the customer"
        HELD = "held", "On hold"
        RESOLVED = "resolved"
        CLOSED = "closed"
        REJECTED = "rejected"
        CANCELLED = "cancelled"

    OPEN = (State.ACKNOWLEDGED, State.IN_PROGRESS, State.PENDING, State.HELD)

    class Kind(models.TextChoices):
        ORDER = "order"
        BILLING = "billing"
        FAULT = "fault"
        REQUEST = "request"
        COMPLAINT = "complaint"

    class Severity(models.TextChoices):
        CRITICAL = "critical"
        MAJOR = "major"
        MINOR = "minor"

    class Channel(models.TextChoices):
        AGENT = "agent", "Written down by us"
        PORTAL = "portal"
        EMAIL = "email", "E-mail"
        CHAT = "chat"
        API = "api", "API"

    title = models.CharField(max_length=160)
    description = models.TextField()
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.FAULT)
    severity = models.CharField(max_length=8, choices=Severity, default=Severity.MINOR)
    account = models.ForeignKey("crm.Account", on_delete=models.PROTECT, related_name="cases")
    contact = models.ForeignKey("crm.Contact", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    about = models.CharField(
        max_length=20, blank=True, db_index=True, help_text="Number of an order, product, service."
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    channel = models.CharField(max_length=8, choices=Channel, default=Channel.AGENT)
    their_reference = models.CharField(max_length=60, blank=True)
    wanted_by = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(help_text="When it should be solved, by its severity.")
    state = StateField(default=State.ACKNOWLEDGED, choices=State.choices, protected=True)
    moved_at = models.DateTimeField(default=timezone.now)
    moved_because = models.CharField(max_length=500, blank=True)
    solution = models.TextField(blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    id: int
    account_id: int

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        permissions = [(WORK.partition(".")[2], "Can work on cases"), ("report_case", "Can report own cases")]
        indexes = [models.Index(fields=["state", "due_at"]), models.Index(fields=["account", "-id"])]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("crm:case", args=[self.number])

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something."""
        return self.state in self.OPEN

    def _moved(self, because: str) -> None:
        self.moved_at, self.moved_because = timezone.now(), because[:500]

    @transition(field=state, source=State.ACKNOWLEDGED, target=State.IN_PROGRESS, permission=WORK,
                custom={"label": "Start"})  # fmt: skip
    def start(self, because: str = "") -> None:
        """Somebody works on it."""
        self._moved(because)

    @transition(field=state, source=State.IN_PROGRESS, target=State.PENDING, permission=WORK,
                custom={"label": "Wait for the customer", "asks": "What does the customer have to tell us?",
                        **READ_BY_CUSTOMER})  # fmt: skip
    def wait(self, because: str = "") -> None:
        """The customer has to answer first."""
        self._moved(because)

    @transition(field=state, source=State.IN_PROGRESS, target=State.HELD, permission=WORK,
                custom={"label": "Hold", **READ_BY_CUSTOMER})  # fmt: skip
    def hold(self, because: str = "") -> None:
        """It rests on our side."""
        self._moved(because)

    @transition(field=state, source=[State.PENDING, State.HELD], target=State.IN_PROGRESS, permission=WORK,
                custom={"label": "Resume"})  # fmt: skip
    def resume(self, because: str = "") -> None:
        """It goes on."""
        self._moved(because)

    @transition(field=state, source=State.IN_PROGRESS, target=State.RESOLVED, permission=WORK,
                custom={"label": "Resolve", "asks": "How was it solved?", **READ_BY_CUSTOMER})  # fmt: skip
    def resolve(self, because: str = "") -> None:
        """Solved; the customer may still say that it is not."""
        self._moved(because)
        self.solution, self.resolved_at = because, self.moved_at

    @transition(field=state, source=State.RESOLVED, target=State.IN_PROGRESS, permission=WORK,
                custom={"label": "Reopen", **READ_BY_CUSTOMER})  # fmt: skip
    def reopen(self, because: str = "") -> None:
        """It was not solved after all."""
        self._moved(because)
        self.resolved_at = None

    @transition(field=state, source=State.RESOLVED, target=State.CLOSED, permission=WORK, custom={"label": "Close"})
    def close(self, because: str = "") -> None:
        """The customer agrees, or said nothing more."""
        self._moved(because)
        self.ended_at = self.moved_at

    @transition(field=state, source=State.ACKNOWLEDGED, target=State.REJECTED, permission=WORK,
                custom={"label": "Reject", **READ_BY_CUSTOMER})  # fmt: skip
    def reject(self, because: str = "") -> None:
        """It is not ours to solve."""
        self._moved(because)
        self.ended_at = self.moved_at

    @transition(field=state, source=[State.ACKNOWLEDGED, State.IN_PROGRESS, State.PENDING, State.HELD],
                target=State.CANCELLED, permission=WORK,
                custom={"label": "Cancel", **READ_BY_CUSTOMER})  # fmt: skip
    def cancel(self, because: str = "") -> None:
        """The customer takes it back."""
        self._moved(because)
        self.ended_at = self.moved_at

"""Enrichment flows: which decision tables fill the technical data of a line, in which order."""

from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.urls import reverse
from django_fsm import transition

from kernel import lifecycle
from kernel.models import DatedQuerySet, Record, StateField


@lifecycle.guarded("state")
class EnrichmentFlow(Record):
    """One version of an ordered list of steps for one specification, or for all, and one line action, or any.

    A step is {"_id", "table", "condition", "note"}: the key of a decision table, and an expression over the line's
    facts and values without which the step is left out. A draft changes; a published version never does.
    """

    class State(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"
        RETIRED = "retired"

    class ForAction(models.TextChoices):
        ANY = "", "Any order line"
        ADD = "add", "New products"
        MODIFY = "modify", "Changes"
        MOVE = "move", "Moves"

    key = models.CharField(
        max_length=80,
        validators=[RegexValidator(r"^[a-z][a-z0-9_-]*\Z", "Small letters, digits, _ and - only, a letter first.")],
    )
    version = models.PositiveIntegerField(default=1)
    state = StateField(default=State.DRAFT, choices=State.choices, protected=True)
    valid_from = models.DateField(null=True, blank=True)
    title = models.CharField(max_length=120)
    specification = models.SlugField(max_length=80, blank=True, help_text="Key of a specification; empty for all.")
    action = models.CharField(max_length=8, choices=ForAction, blank=True, default=ForAction.ANY)
    steps = models.JSONField(default=list, blank=True)
    id: int

    objects: ClassVar[Any] = DatedQuerySet.as_manager()

    class Meta:
        permissions = [("publish_enrichmentflow", "Can publish and retire enrichment flows")]
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="enrichment_flow_version"),
            models.UniqueConstraint(
                fields=["key"], condition=models.Q(state="draft"), name="one_draft_of_an_enrichment_flow"
            ),
            models.UniqueConstraint(
                fields=["key", "valid_from"], condition=models.Q(state="active"), name="one_enrichment_flow_a_day"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="active") | models.Q(valid_from__isnull=False),
                name="active_enrichment_flow_has_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} (version {self.version})"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("orders:flow", args=[self.key, self.version])

    @transition(field=state, source=State.DRAFT, target=State.ACTIVE, permission="orders.publish_enrichmentflow",
                custom={"hidden": True, "label": "Publish"})  # fmt: skip
    def publish(self) -> None:
        """Fills technical data from its start date on."""

    @transition(field=state, source=State.ACTIVE, target=State.RETIRED, permission="orders.publish_enrichmentflow",
                custom={"hidden": True, "label": "Retire"})  # fmt: skip
    def retire(self) -> None:
        """Fills nothing any more."""

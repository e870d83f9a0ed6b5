"""Decision tables: rules that an admin edits as rows, version by version."""

from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django_fsm import transition

from kernel import lifecycle
from kernel.models.base import Record
from kernel.models.statefield import StateField
from kernel.models.versions import DatedQuerySet

KEY = RegexValidator(r"^[a-z][a-z0-9_:-]*\Z", "Small letters, digits, _ : and - only, a letter first.")


@lifecycle.guarded("state")
class DecisionTable(Record):
    """One version of a table of rules. Cells are zen expressions; an empty input cell matches anything.

    `inputs` and `outputs` are lists of {"name", "label", "type", "values"}; a row is {"<input>": "unary test", …,
    "<output>": "expression"}, for instance {"discount": "> 15", "role": "'sales_manager'"}. In a row, `_note` says why
    it is there, `_priority` ranks it, `_id` names it while it is edited. `tests` are rows {"given", "expect"} of plain
    values. A table made by code counts at once; a version made in the editor is a draft until it is published.
    """

    class Hit(models.TextChoices):
        FIRST = "first", "First row that matches"
        COLLECT = "collect", "All rows that match"
        UNIQUE = "unique", "The only row that matches"
        PRIORITY = "priority", "The matching row of highest priority"

    class State(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"
        RETIRED = "retired"

    key = models.CharField(max_length=80, validators=[KEY])
    version = models.PositiveIntegerField(default=1)
    state = StateField(default=State.ACTIVE, choices=State.choices, protected=True)
    valid_from = models.DateField(null=True, blank=True, default=timezone.localdate)
    title = models.CharField(max_length=120)
    purpose = models.CharField(max_length=300, blank=True, help_text="What it decides, in one sentence.")
    hit = models.CharField(max_length=10, choices=Hit, default=Hit.FIRST)
    inputs = models.JSONField(default=list, blank=True)
    outputs = models.JSONField(default=list, blank=True)
    rows = models.JSONField(default=list, blank=True)
    tests = models.JSONField(default=list, blank=True)
    id: int

    objects: ClassVar[Any] = DatedQuerySet.as_manager()

    class Meta:
        permissions = [("publish_decisiontable", "Can publish and retire decision tables")]
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="decision_table_version"),
            models.UniqueConstraint(
                fields=["key"], condition=models.Q(state="draft"), name="one_draft_of_a_decision_table"
            ),
            models.UniqueConstraint(
                fields=["key", "valid_from"], condition=models.Q(state="active"), name="one_decision_table_a_day"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="active") | models.Q(valid_from__isnull=False),
                name="active_decision_table_has_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} (version {self.version})"

    @transition(field=state, source=State.DRAFT, target=State.ACTIVE, permission="kernel.publish_decisiontable",
                custom={"hidden": True, "label": "Publish"})  # fmt: skip
    def publish(self) -> None:
        """Counts from its start date on."""

    @transition(field=state, source=State.ACTIVE, target=State.RETIRED, permission="kernel.publish_decisiontable",
                custom={"hidden": True, "label": "Retire"})  # fmt: skip
    def retire(self) -> None:
        """Is not asked any more."""

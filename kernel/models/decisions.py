"""Decision tables: rules that an admin edits as rows."""

from django.core.validators import RegexValidator
from django.db import models


class DecisionTable(models.Model):
    """A table of rules. Cells are zen expressions; an empty input cell matches anything.

    `inputs` and `outputs` are lists of {"name", "label"}; a row is {"<input>": "unary test", …, "<output>":
    "expression"}, for instance {"discount": "> 15", "role": "'sales_manager'", "because": "'Discount over 15 %'"}.
    """

    class Hit(models.TextChoices):
        FIRST = "first", "First row that matches"
        COLLECT = "collect", "All rows that match"

    class State(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"
        RETIRED = "retired"

    key = models.CharField(max_length=80, validators=[RegexValidator(r"^[a-z][a-z0-9_:-]*\Z")])
    version = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    title = models.CharField(max_length=120)
    hit = models.CharField(max_length=10, choices=Hit, default=Hit.FIRST)
    inputs = models.JSONField(default=list)
    outputs = models.JSONField(default=list)
    rows = models.JSONField(default=list)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="decision_table_version"),
            models.UniqueConstraint(
                fields=["key"], condition=models.Q(state="active"), name="one_active_decision_table"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} (version {self.version})"

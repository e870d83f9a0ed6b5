"""Rules of decomposition: versions that are drafted, come into force on a day, and stay with the orders they made."""

from django.db import models
from django.urls import reverse
from django_fsm import transition

from catalog.models.specifications import Specification
from kernel import lifecycle
from kernel.models import Record
from kernel.models.statefield import StateField


@lifecycle.guarded("state")
class DecompositionRule(Record):
    """One version of how a node of one specification begets nodes of another.

    `mappings` is a list of {"to", "how", "from", "value", "where"}: how is same | fixed | table | expression, `where`
    is parent | sibling:<specification key> | related:<specification key>. A table is {source value: target value, "*":
    any other} or the key of a decision table with a column of the target's name. `tests` is a list of {"name",
    "values", "holds", "gives"}. A published version is never changed: an order keeps the versions that made its nodes.
    """

    STAGES = ("draft", "active", "retired")

    class State(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active", "Published"
        RETIRED = "retired"

    class Kind(models.TextChoices):
        BUNDLES = "bundles"
        REALIZED_AS = "realized_as"
        REQUIRES = "requires"
        COMPOSED_OF = "composed_of", "Composed of (no order of its own)"

    class Cardinality(models.TextChoices):
        ONE = "one", "1 : 1"
        PER_QUANTITY = "per_quantity", "1 : n by quantity"
        PER_CHARACTERISTIC = "per_characteristic", "1 : n by a characteristic"

    class Merge(models.TextChoices):
        NONE = "", "Not merged"
        LINE = "line", "One per order line"
        BUNDLE = "bundle", "One per bundle"
        SITE = "site", "One per site"
        ORDER = "order", "One per order"
        ACCOUNT = "account", "One per account"

    key = models.SlugField(max_length=80)
    version = models.PositiveIntegerField(default=1)
    state = StateField(default=State.DRAFT, choices=State.choices, protected=True)
    starts_on = models.DateField(verbose_name="in force from")
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)
    source = models.ForeignKey(Specification, on_delete=models.CASCADE, related_name="rules")
    target = models.ForeignKey(Specification, on_delete=models.CASCADE, related_name="made_by")
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.REALIZED_AS)
    condition = models.CharField(max_length=300, blank=True, help_text="Expression over the source's characteristics.")
    cardinality = models.CharField(max_length=20, choices=Cardinality, default=Cardinality.ONE)
    count_from = models.CharField(max_length=60, blank=True, help_text="The characteristic that holds the number.")
    merge = models.CharField(max_length=10, choices=Merge, blank=True, default=Merge.NONE)
    mappings = models.JSONField(default=list, blank=True)
    tests = models.JSONField(default=list, blank=True)
    position = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=200, blank=True, help_text="What this version changes.")
    id: int
    source_id: int
    target_id: int

    class Meta:
        ordering = ["source", "position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="decomposition_rule_version"),
            models.UniqueConstraint(fields=["key"], condition=models.Q(state="draft"), name="one_draft_of_a_rule"),
            models.CheckConstraint(
                condition=models.Q(state="draft") | models.Q(published_at__isnull=False),
                name="rule_published_at",
                violation_error_message="A published rule has its day.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} v{self.version}"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("catalog:rule", args=[self.key, self.version])

    @transition(field=state, source=State.DRAFT, target=State.ACTIVE, permission="catalog.publish_catalogue",
                custom={"label": "Publish", "hidden": True})  # fmt: skip
    def publish(self) -> None:
        """Published, in force from its day on."""

    @transition(field=state, source=State.ACTIVE, target=State.RETIRED, permission="catalog.publish_catalogue",
                custom={"label": "Retire", "hidden": True})  # fmt: skip
    def retire(self) -> None:
        """Retired; new orders no longer follow it."""

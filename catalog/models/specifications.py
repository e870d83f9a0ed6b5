"""Specifications: what a product, service or resource is, by characteristics (SID)."""

import datetime as dt
from typing import Any, ClassVar

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django_fsm import transition

from kernel import lifecycle
from kernel.models import Record, RecordQuerySet, User
from kernel.models.statefield import StateField


class VersionedQuerySet(RecordQuerySet[Any]):
    """Entries with versions: those in design or testing are seen by whoever has the right to."""

    def visible_to(self, user: User) -> Any:
        """What this person may see."""
        rows = super().visible_to(user)
        return rows if user.has_perm("catalog.see_draft_entries") else rows.filter(state__in=["active", "retired"])

    def on_sale(self, on: dt.date | None = None) -> Any:
        """Active versions within their dates on that day (today)."""
        day = on or timezone.localdate()
        rows = self.filter(models.Q(valid_from=None) | models.Q(valid_from__lte=day), state="active")
        return rows.filter(models.Q(valid_until=None) | models.Q(valid_until__gte=day))


class Versioned(Record):
    """A catalogue entry with versions: design → testing → active → retired."""

    class State(models.TextChoices):
        DESIGN = "design"
        TESTING = "testing"
        ACTIVE = "active"
        RETIRED = "retired"

    key = models.SlugField(max_length=80)
    version = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    state = StateField(default=State.DESIGN, choices=State.choices, protected=True)
    valid_from = models.DateField(null=True, blank=True, help_text="First day; empty is as soon as it is active.")
    valid_until = models.DateField(null=True, blank=True, help_text="Last day; empty is until it is retired.")
    note = models.CharField(max_length=200, blank=True, help_text="What this version changes.")

    STAGES = ("design", "testing", "active", "retired")

    objects: ClassVar[Any] = VersionedQuerySet.as_manager()

    class Meta:
        abstract = True

    @transition(field=state, source=State.DESIGN, target=State.TESTING, permission="catalog.publish_catalogue",
                custom={"label": "Testing"})  # fmt: skip
    def to_testing(self) -> None:
        """Frozen for trial."""

    @transition(field=state, source=State.TESTING, target=State.DESIGN, permission="catalog.publish_catalogue",
                custom={"label": "Back to design"})  # fmt: skip
    def back_to_design(self) -> None:
        """Taken back to design."""

    @transition(field=state, source=State.TESTING, target=State.ACTIVE, permission="catalog.publish_catalogue",
                custom={"label": "Activate", "hidden": True})  # fmt: skip
    def activate(self) -> None:
        """Went live."""

    @transition(field=state, source=State.ACTIVE, target=State.RETIRED, permission="catalog.publish_catalogue",
                custom={"label": "Retire", "needs_reason": True})  # fmt: skip
    def retire(self) -> None:
        """Retired; what is sold by it keeps it."""


@lifecycle.guarded("state")
class Specification(Versioned):
    """What something is. CFS is seen by the customer, RFS by the network, a resource is a thing or a number."""

    class Kind(models.TextChoices):
        PRODUCT = "product", "Product"
        CFS = "cfs", "Customer-facing service"
        RFS = "rfs", "Resource-facing service"
        RESOURCE = "resource", "Resource"

    kind = models.CharField(max_length=10, choices=Kind)
    conditions = models.CharField(
        max_length=80, blank=True, verbose_name="decision table",
        help_text="Key of a decision table asked with all values; its columns characteristic, effect (hide, show, "
        "require, refuse) and says.",
    )  # fmt: skip
    id: int

    class Meta:
        ordering = ["kind", "key"]
        permissions = [
            ("publish_catalogue", "Can move catalogue entries through their lifecycle"),
            ("see_draft_entries", "Can see catalogue entries in design and testing"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="specification_version"),
            models.UniqueConstraint(
                fields=["key"], condition=models.Q(state="active"), name="one_active_specification"
            ),
        ]

    def get_absolute_url(self) -> str:
        """The page of this version."""
        return f"{reverse('catalog:specification', args=[self.key])}?version={self.version}"


class Characteristic(models.Model):
    """One typed characteristic of a specification (CharacteristicSpecification)."""

    class Type(models.TextChoices):
        CHOICE = "choice"
        NUMBER = "number"
        TEXT = "text"
        BOOLEAN = "boolean", "Yes or no"
        DATE = "date"
        REFERENCE = "reference"

    class Source(models.TextChoices):
        CUSTOMER = "customer", "Configured in the sale"
        ENRICHMENT = "enrichment", "Filled before decomposition"
        TASK = "task", "Comes out of a task"

    class Refers(models.TextChoices):
        LOCATION = "location", "A location of the customer"
        PRODUCT = "product", "An installed product of the customer"
        OFFERING = "offering", "Another offering"

    specification = models.ForeignKey(Specification, on_delete=models.CASCADE, related_name="characteristics")
    key = models.SlugField(max_length=60)
    name = models.CharField(max_length=80)
    type = models.CharField(max_length=10, choices=Type, default=Type.TEXT)
    source = models.CharField(max_length=12, choices=Source, default=Source.CUSTOMER)
    choices = models.JSONField(default=list, blank=True, help_text="Allowed values of a choice, in order.")
    multiple = models.BooleanField(default=False, help_text="More than one of the allowed values may be chosen.")
    refers_to = models.CharField(max_length=10, choices=Refers, blank=True, help_text="What a reference points at.")
    unit = models.CharField(max_length=20, blank=True)
    minimum = models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True)
    maximum = models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True)
    step = models.DecimalField(
        max_digits=14, decimal_places=4, null=True, blank=True, help_text="Numbers go up in steps of this."
    )
    pattern = models.CharField(max_length=200, blank=True, help_text="Regular expression for the whole text.")
    required = models.BooleanField(default=False)
    default = models.JSONField(null=True, blank=True)
    shown_when = models.CharField(max_length=200, blank=True, help_text="Expression over the other characteristics.")
    required_when = models.CharField(
        max_length=200, blank=True, help_text="Expression; required whenever it holds, even if not always."
    )
    significant = models.BooleanField(default=True, help_text="A change of the value touches fulfilment.")
    hint = models.CharField(max_length=160, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["specification", "key"], name="characteristic_once")]

    def __str__(self) -> str:
        return self.name


class Dependency(models.Model):
    """Horizontal rule between products of one site or account: requires any of, or excludes all of, the targets."""

    class Kind(models.TextChoices):
        REQUIRES = "requires"
        EXCLUDES = "excludes"

    class Scope(models.TextChoices):
        SITE = "site"
        ACCOUNT = "account"

    source = models.ForeignKey(Specification, on_delete=models.CASCADE, related_name="dependencies")
    kind = models.CharField(max_length=10, choices=Kind)
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.SITE)
    targets = models.ManyToManyField(Specification, related_name="+")

    class Meta:
        verbose_name_plural = "dependencies"

    def __str__(self) -> str:
        return f"{self.source} {self.kind}"


class SlaMetric(models.TextChoices):
    """What a service level promises; for availability and throughput more is tighter, for times less is."""

    AVAILABILITY = "availability", "Availability, % a month"
    REPAIR_HOURS = "repair_hours", "Time to repair, hours"
    RESPONSE_MINUTES = "response_minutes", "Response time, minutes"
    DELIVERY_DAYS = "delivery_days", "Delivery, working days"


TIGHTER_IS_MORE: frozenset[str] = frozenset({SlaMetric.AVAILABILITY})

__all__ = ["TIGHTER_IS_MORE", "Characteristic", "Dependency", "SlaMetric", "Specification", "Versioned"]

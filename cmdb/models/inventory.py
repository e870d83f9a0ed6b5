"""Inventory: products, services and resources that exist, and what stands on what (TMF637, TMF638, TMF639)."""

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Cast
from django_fsm import transition

from crm.models import OfAccountQuerySet
from kernel import lifecycle, words
from kernel.models import Numbered, RecordQuerySet
from kernel.models.statefield import StateField

NAMED = ("number", "name")  # what products and services are found by
DESCRIBED = (*NAMED, Cast("characteristics", models.TextField()))  # resources by their circuits and addresses too


@lifecycle.guarded("state")
class Product(Numbered):
    """What a customer has, or will have (TMF637)."""

    PREFIX = "PRD"
    STAGES = ("created", "pending_active", "active", "pending_terminate", "terminated")

    class State(models.TextChoices):
        CREATED = "created"
        PENDING_ACTIVE = "pending_active"
        ACTIVE = "active"
        SUSPENDED = "suspended"
        PENDING_TERMINATE = "pending_terminate"
        TERMINATED = "terminated"
        CANCELLED = "cancelled"
        ABORTED = "aborted"

    name = models.CharField(max_length=120)
    offering = models.ForeignKey("catalog.Offering", on_delete=models.PROTECT, related_name="+")
    specification = models.ForeignKey("catalog.Specification", on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey("crm.Account", on_delete=models.PROTECT, related_name="products")
    site = models.ForeignKey("crm.Site", null=True, blank=True, on_delete=models.PROTECT, related_name="products")
    bundle = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="members")
    state = StateField(default=State.CREATED, choices=State.choices, protected=True)
    characteristics = models.JSONField(default=dict, blank=True)
    quantity = models.PositiveIntegerField(default=1)
    currency = models.CharField(max_length=3, default="EUR")
    monthly = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    one_time = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    term_months = models.PositiveIntegerField(default=1)
    order_number = models.CharField(max_length=20, blank=True, db_index=True)
    order_line_key = models.CharField(max_length=40, blank=True, db_index=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    id: int
    account_id: int

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        permissions = [("move_product", "Can move products through their lifecycle by hand")]
        constraints = [
            models.UniqueConstraint(
                fields=["order_number", "order_line_key"],
                condition=~models.Q(order_line_key=""),
                name="one_product_per_order_line",
            )
        ]
        indexes = [words.index("product_words", *NAMED)]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    @transition(field=state, source=State.CREATED, target=State.PENDING_ACTIVE, custom={"hidden": True})
    def expect(self) -> None:
        """An approved order will activate it."""

    @transition(field=state, source=State.PENDING_ACTIVE, target=State.ACTIVE, custom={"hidden": True})
    def activate(self) -> None:
        """The customer has it."""

    @transition(field=state, source=State.ACTIVE, target=State.SUSPENDED, custom={"hidden": True})
    def suspend(self) -> None:
        """Switched off for a time."""

    @transition(field=state, source=State.SUSPENDED, target=State.ACTIVE, custom={"hidden": True})
    def resume(self) -> None:
        """Switched on again."""

    @transition(
        field=state, source=[State.ACTIVE, State.SUSPENDED], target=State.PENDING_TERMINATE, custom={"hidden": True}
    )
    def expect_end(self) -> None:
        """An approved order will end it."""

    @transition(field=state, source=State.PENDING_TERMINATE, target=State.TERMINATED, custom={"hidden": True})
    def terminate(self) -> None:
        """The customer has it no more."""

    @transition(
        field=state, source=[State.CREATED, State.PENDING_ACTIVE], target=State.CANCELLED, custom={"hidden": True}
    )
    def cancel(self) -> None:
        """The order was cancelled before it came to be."""

    @transition(
        field=state, source=[State.CREATED, State.PENDING_ACTIVE], target=State.ABORTED, custom={"hidden": True}
    )
    def abort(self) -> None:
        """The order failed."""


@lifecycle.guarded("state")
class Service(Numbered):
    """A customer-facing or resource-facing service (TMF638)."""

    PREFIX = "SRV"

    class State(models.TextChoices):
        FEASIBILITY_CHECKED = "feasibility_checked"
        DESIGNED = "designed"
        RESERVED = "reserved"
        INACTIVE = "inactive"
        ACTIVE = "active"
        TERMINATED = "terminated"

    name = models.CharField(max_length=120)
    specification = models.ForeignKey("catalog.Specification", on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey("crm.Account", on_delete=models.PROTECT, related_name="services")
    site = models.ForeignKey("crm.Site", null=True, blank=True, on_delete=models.PROTECT, related_name="services")
    products = models.ManyToManyField(Product, related_name="services")
    on_its_own = models.BooleanField(
        default=False, help_text="Another order system ordered it by itself; it is no part of a product here."
    )
    state = StateField(default=State.FEASIBILITY_CHECKED, choices=State.choices, protected=True)
    characteristics = models.JSONField(default=dict, blank=True)
    order_number = models.CharField(max_length=20, blank=True, db_index=True)
    domain_order = models.CharField(max_length=20, blank=True, unique=True, null=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    id: int

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        indexes = [words.index("service_words", *NAMED)]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    @transition(field=state, source=State.FEASIBILITY_CHECKED, target=State.DESIGNED, custom={"hidden": True})
    def design(self) -> None:
        """Its technical data are complete."""

    @transition(field=state, source=State.DESIGNED, target=State.RESERVED, custom={"hidden": True})
    def reserve(self) -> None:
        """Its resources are held."""

    @transition(field=state, source=State.RESERVED, target=State.INACTIVE, custom={"hidden": True})
    def install(self) -> None:
        """Built, not yet switched on."""

    @transition(field=state, source=State.INACTIVE, target=State.ACTIVE, custom={"hidden": True})
    def activate(self) -> None:
        """Carrying traffic."""

    @transition(field=state, source=State.ACTIVE, target=State.INACTIVE, custom={"hidden": True})
    def deactivate(self) -> None:
        """Switched off."""

    @transition(
        field=state,
        source=[State.FEASIBILITY_CHECKED, State.DESIGNED, State.RESERVED, State.INACTIVE, State.ACTIVE],
        target=State.TERMINATED,
        custom={"hidden": True},
    )
    def terminate(self) -> None:
        """Gone."""


@lifecycle.guarded("state")
class Resource(Numbered):
    """A thing or a number that services stand on: a port, a device, an address block (TMF639)."""

    PREFIX = "RES"

    class State(models.TextChoices):
        PLANNED = "planned"
        RESERVED = "reserved"
        INSTALLED = "installed"
        IN_SERVICE = "in_service"
        RETIRED = "retired"

    name = models.CharField(max_length=120)
    specification = models.ForeignKey("catalog.Specification", on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(
        "crm.Account", null=True, blank=True, on_delete=models.PROTECT, related_name="resources"
    )
    site = models.ForeignKey("crm.Site", null=True, blank=True, on_delete=models.PROTECT, related_name="resources")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="parts", help_text="The device of a port."
    )
    state = StateField(default=State.PLANNED, choices=State.choices, protected=True)
    characteristics = models.JSONField(default=dict, blank=True)
    order_number = models.CharField(max_length=20, blank=True, db_index=True)
    domain_order = models.CharField(max_length=20, blank=True, unique=True, null=True)
    id: int

    objects: ClassVar[Any] = RecordQuerySet.as_manager()

    class Meta:
        indexes = [words.index("resource_words", *DESCRIBED)]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    @transition(field=state, source=State.PLANNED, target=State.RESERVED, custom={"hidden": True})
    def reserve(self) -> None:
        """Held for an order."""

    @transition(field=state, source=State.RESERVED, target=State.INSTALLED, custom={"hidden": True})
    def install(self) -> None:
        """In its place."""

    @transition(field=state, source=State.INSTALLED, target=State.IN_SERVICE, custom={"hidden": True})
    def put_in_service(self) -> None:
        """In use."""

    @transition(field=state, source=State.IN_SERVICE, target=State.RETIRED, custom={"hidden": True})
    def retire(self) -> None:
        """Taken out."""


class ServiceRelation(models.Model):
    """One service stands on another."""

    class Kind(models.TextChoices):
        REALIZED_BY = "realized_by", "realised by"
        REQUIRES = "requires"

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="stands_on")
    on = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="carries")
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.REALIZED_BY)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["service", "on", "kind"], name="service_relation_once"),
            models.CheckConstraint(condition=~models.Q(service=models.F("on")), name="service_not_on_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} {self.kind} {self.on_id}"


class ResourceUse(models.Model):
    """A service uses a resource."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="uses")
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="used_by")
    role = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "resource"], name="resource_use_once")]

    def __str__(self) -> str:
        return f"{self.service_id} uses {self.resource_id}"

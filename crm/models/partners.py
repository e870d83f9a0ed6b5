"""Partners: other installations that we sell to or buy from, what they publish, and what we asked of them."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.crypto import salted_hmac

from kernel.models import Numbered, RecordQuerySet

PROTOCOL = 1


class Partner(Numbered):
    """One installation at the other end. A buyer orders from us, of a seller we order.

    A seller is reached with a client id of its making and a secret of ours, which no database holds.
    """

    PREFIX = "PTN"

    class Side(models.TextChoices):
        BUYER = "buyer", "Orders from us"
        SELLER = "seller", "We order from them"

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    side = models.CharField(max_length=6, choices=Side)
    name = models.CharField(max_length=120)
    url = models.URLField(max_length=300, blank=True)
    account = models.ForeignKey("crm.Account", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey("kernel.ApiClient", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    client_id_there = models.CharField(max_length=100, blank=True)
    account_there = models.CharField(max_length=20, blank=True)
    scopes = models.JSONField(default=list, blank=True)
    offerings = models.JSONField(default=list, blank=True, help_text="Keys of what is published to a buyer.")
    code_digest = models.CharField(max_length=64, blank=True, editable=False)
    code_until = models.DateTimeField(null=True, blank=True)
    paired_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True, help_text="When their offerings were read last.")
    problem = models.CharField(max_length=300, blank=True)
    id: int

    class Meta:
        permissions = [("pair_partner", "Can pair with other installations and publish to them")]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("crm:partner", args=[self.number])

    @property
    def secret(self) -> str:
        """What we authenticate with at a seller: made from our own secret key."""
        return salted_hmac("crm.partner", self.key.hex, algorithm="sha256").hexdigest()

    @property
    def state(self) -> str:
        """In a word: invited, active or ended."""
        return "ended" if self.ended_at else "active" if self.paired_at else "invited"


class PartnerOffering(models.Model):
    """An offering that a seller has published to us."""

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="shelf")
    key = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    characteristics = models.JSONField(default=list, blank=True, help_text="name, title, required, choices.")
    prices = models.JSONField(default=list, blank=True, help_text="name, value, unit, period.")
    gone_at = models.DateTimeField(null=True, blank=True)
    id: int

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["partner", "key"], name="partner_offering_once")]

    def __str__(self) -> str:
        return self.name


class PartnerRequest(Numbered):
    """What we asked of a seller: an order there. `status` is theirs, or waiting until they have taken it."""

    PREFIX = "PRQ"
    WAITING, REFUSED = "waiting", "refused"
    OVER = ("completed", "partial", "failed", "cancelled", "rejected", REFUSED)

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="requests")
    offering = models.ForeignKey(PartnerOffering, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey("crm.Site", on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField(default=1)
    values = models.JSONField(default=dict, blank=True)
    wanted_on = models.DateField(null=True, blank=True)
    number_there = models.CharField(max_length=40, blank=True, db_index=True)
    status = models.CharField(max_length=20, default=WAITING)
    milestones = models.JSONField(default=list, blank=True, help_text="text and date of each, oldest first.")
    expected_on = models.DateField(null=True, blank=True)
    cancel_reason = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True)
    id: int

    objects: ClassVar[Any] = RecordQuerySet.as_manager()

    class Meta:
        permissions = [("send_partnerrequest", "Can order from partners")]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="partner_request_due")
        ]

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("crm:partner_request", args=[self.number])

    @property
    def state(self) -> str:
        """Their word, for the pill beside its name."""
        return self.status

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.status in self.OVER

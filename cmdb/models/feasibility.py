"""Feasibility: what can reach a place, how far the network is, what building it costs (TMF645)."""

from typing import Any, ClassVar

from django.db import models

from crm.models import OfAccountQuerySet
from kernel.models import Numbered, Record


class PointOfPresence(Record):
    """A place where our network, or a partner's, can be reached."""

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=80)
    city = models.CharField(max_length=60)
    country = models.CharField(max_length=2)
    latitude = models.DecimalField(max_digits=8, decimal_places=5)
    longitude = models.DecimalField(max_digits=8, decimal_places=5)
    technologies = models.JSONField(default=list, help_text="fibre, radio, dsl …")
    max_mbps = models.PositiveIntegerField(default=10_000)
    redundant = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "points of presence"

    def __str__(self) -> str:
        return self.code


class FeasibilityCheck(Numbered):
    """The answer for one site and one offering. An open check has no result yet."""

    PREFIX = "FEA"

    class Result(models.TextChoices):
        OPEN = "open", "Checking"
        ON_NET = "on_net", "On-net"
        NEAR_NET = "near_net", "Near-net"
        OFF_NET = "off_net", "Off-net"
        IMPOSSIBLE = "impossible", "Not possible"

    site = models.ForeignKey("crm.Site", on_delete=models.CASCADE, related_name="feasibility")
    account = models.ForeignKey("crm.Account", on_delete=models.CASCADE, related_name="+")
    offering = models.ForeignKey("catalog.Offering", on_delete=models.PROTECT, related_name="+")
    asked = models.JSONField(default=dict, help_text="Bandwidth and whatever else was asked for.")
    result = models.CharField(max_length=12, choices=Result, default=Result.OPEN)
    technology = models.CharField(max_length=20, blank=True)
    pop = models.ForeignKey(PointOfPresence, null=True, on_delete=models.PROTECT, related_name="+")
    distance_m = models.PositiveIntegerField(null=True)
    lead_days = models.PositiveIntegerField(null=True, help_text="Working days from order to access.")
    build_cost = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    currency = models.CharField(max_length=3, default="EUR")
    max_mbps = models.PositiveIntegerField(null=True)
    alternatives = models.JSONField(default=list, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    answered_at = models.DateTimeField(null=True)
    valid_until = models.DateField(null=True)
    provider = models.CharField(max_length=20, blank=True, help_text="A partner who is asked; empty for our own rules.")
    attempts = models.PositiveIntegerField(default=0, help_text="How often the partner was asked.")
    next_try_at = models.DateTimeField(null=True, blank=True)
    id: int

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["site", "offering", "-id"]),
            models.Index(
                fields=["next_try_at"], name="feasibility_to_ask",
                condition=models.Q(result="open") & ~models.Q(provider=""),
            ),
        ]  # fmt: skip

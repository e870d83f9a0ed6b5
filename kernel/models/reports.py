"""Reports that are sent: which, with what filters, how often, to whom."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from kernel.models.base import RecordQuerySet
from kernel.models.people import User


class ReportMailQuerySet(RecordQuerySet["ReportMail"]):
    """What a person has set up, and what is sent to them."""

    def visible_to(self, user: User) -> Any:
        return self.filter(pk__in=self.filter(Q(owner=user) | Q(people=user)).values("pk"))


class ReportMail(models.Model):
    """One report or dashboard that goes out by e-mail; every reader gets what they themselves may see.

    `trouble` says why the last time failed, for nobody or for some.
    """

    class Rhythm(models.TextChoices):
        DAILY = "daily", "Every working morning"
        WEEKLY = "weekly", "Every Monday"
        MONTHLY = "monthly", "On the first of the month"

    report = models.CharField(max_length=60, blank=True)
    board = models.CharField(max_length=60, blank=True)
    query = models.CharField(max_length=500, blank=True)
    rhythm = models.CharField("How often", max_length=8, choices=Rhythm, default=Rhythm.WEEKLY)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="report_mails")
    people = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")
    next_at = models.DateTimeField(db_index=True)
    sent_at = models.DateTimeField(null=True)
    trouble = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = ReportMailQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(report="") & ~Q(board="") | ~Q(report="") & Q(board=""), name="mails_report_or_board"
            )
        ]

    def __str__(self) -> str:
        return f"{self.report or self.board} {self.rhythm}"

    @property
    def url(self) -> str:
        """The page of what is sent, with its filters."""
        page = reverse("report", args=[self.report]) if self.report else reverse("dashboard", args=[self.board])
        return f"{page}?{self.query}" if self.query else page

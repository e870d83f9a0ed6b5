"""Many at once: one act for many records of a list, with the answer of each."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from kernel.models.base import RecordQuerySet
from kernel.models.people import User


class ManyQuerySet(RecordQuerySet["Many"]):
    """What a person did to many."""

    def visible_to(self, user: User) -> Any:
        """One's own, and those of desks on which everybody sees what is done to many."""
        return self.filter(Q(by=user) | Q(seen_with__in=user.get_all_permissions()))


class Many(models.Model):
    """One act of one person for records that were frozen when its preview was drawn."""

    declared = models.CharField(max_length=200, help_text="The list's class, as a dotted path.")
    act = models.CharField(max_length=40)
    label = models.CharField(max_length=80)
    about = models.CharField(max_length=200, blank=True, help_text="What its records have in common.")
    path = models.CharField(max_length=200, help_text="The list's page.")
    seen_with = models.CharField(max_length=100, blank=True, help_text="Whoever has this permission sees it too.")
    values = models.JSONField(default=dict, help_text="What was typed, as typed.")
    key = models.CharField(max_length=64, unique=True, help_text="Hash of the preview, so that it is done once.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    total = models.PositiveIntegerField()
    asked_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    stopped = models.BooleanField(default=False)

    objects: ClassVar[Any] = ManyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "many at once"
        indexes = [models.Index(fields=["asked_at"], condition=Q(ended_at=None), name="many_open")]

    def __str__(self) -> str:
        return f"{self.label}, {self.total} at once"


class ManyItem(models.Model):
    """One record of many and its answer; empty until it had its turn."""

    class Answer(models.TextChoices):
        DONE = "done"
        REFUSED = "refused", "not done"
        LEFT = "left", "left as it was"

    many = models.ForeignKey(Many, on_delete=models.CASCADE, related_name="items")
    subject_id = models.BigIntegerField()
    name = models.CharField(max_length=200)
    answer = models.CharField(max_length=8, choices=Answer, blank=True)
    why = models.CharField(max_length=400, blank=True)
    values = models.JSONField(null=True, help_text="What the act takes for this record alone.")
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["many", "subject_id"], name="many_item_once")]
        indexes = [models.Index(fields=["many"], condition=Q(answer=""), name="many_item_waiting")]

    def __str__(self) -> str:
        return self.name

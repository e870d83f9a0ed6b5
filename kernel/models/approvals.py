"""Approvals: steps that people decide, bound to a hash of what they saw."""

from django.conf import settings
from django.db import models


class ApprovalRequest(models.Model):
    """One round of approval for one record."""

    class State(models.TextChoices):
        OPEN = "open"
        GRANTED = "granted"
        REFUSED = "refused"
        VOID = "void", "Void: the content changed"
        RECALLED = "recalled"

    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    subject_name = models.CharField(max_length=200)
    url = models.CharField(max_length=200, help_text="Where the approver reads what is to be approved.")
    content_hash = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    note = models.TextField(blank=True, help_text="What the requester tells the approvers.")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)
    content = models.JSONField(default=dict, help_text="What the approvers judge, to tell what changed.")
    reminded_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["subject_type", "subject_id"])]
        constraints = [
            models.UniqueConstraint(
                fields=["subject_type", "subject_id"], condition=models.Q(state="open"), name="one_open_approval"
            )
        ]

    def __str__(self) -> str:
        return f"Approval of {self.subject_name}"


class ApprovalStep(models.Model):
    """One decision that a role owes. Steps of the same `sequence` are asked in parallel."""

    class Decision(models.TextChoices):
        PENDING = "pending"
        APPROVED = "approved"
        REJECTED = "rejected"

    request = models.ForeignKey(ApprovalRequest, on_delete=models.CASCADE, related_name="steps")
    sequence = models.PositiveIntegerField(default=1)
    role = models.CharField(max_length=60, blank=True)
    team = models.CharField(max_length=60, blank=True, help_text="Asked instead of a role.")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+",
        help_text="Who decides instead of the role or team: asked by the rule, or delegated to.",
    )  # fmt: skip
    delegated_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    in_bulk = models.BooleanField(default=False, help_text="May be approved together with others.")
    because = models.CharField(max_length=200, help_text="The rule that asks for this step, in words.")
    decision = models.CharField(max_length=10, choices=Decision, default=Decision.PENDING)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_for = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+",
        help_text="Who was away, when a deputy decided.",
    )  # fmt: skip
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["sequence", "id"]

    def __str__(self) -> str:
        return f"{self.asked}: {self.because}"

    @property
    def asked(self) -> str:
        """Who is asked, in words."""
        return str(self.person or self.team or self.role.replace("_", " ").capitalize())


class Absence(models.Model):
    """Days on which a deputy decides approvals for somebody who is away."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="absences")
    deputy = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="deputises")
    starts_on = models.DateField()
    ends_on = models.DateField()

    class Meta:
        ordering = ["starts_on"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(person=models.F("deputy")), name="absence_has_another"),
            models.CheckConstraint(condition=models.Q(ends_on__gte=models.F("starts_on")), name="absence_period"),
        ]

    def __str__(self) -> str:
        return f"{self.person} away, {self.starts_on} to {self.ends_on}"

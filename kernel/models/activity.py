"""Comments, notifications, followed and recent records: what people tell each other and what the system tells them."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Comment(models.Model):
    """What a person wrote on a record."""

    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(max_length=4000)
    internal = models.BooleanField(default=True, help_text="Hidden from customers.")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["subject_type", "subject_id", "-id"])]

    def __str__(self) -> str:
        return self.text[:60]


class Notification(models.Model):
    """What the system tells one person, in the app and by mail."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    text = models.CharField(max_length=240)
    url = models.CharField(max_length=200, blank=True)
    event = models.CharField(max_length=20, default="news", help_text="One of kernel.notifications.EVENTS.")
    in_app = models.BooleanField(default=True, help_text="Off for what a person wants by mail only.")
    waits = models.BooleanField(default=False, help_text="For the daily summary by mail.")
    at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "-id"]),
            models.Index(fields=["user", "at"], condition=models.Q(waits=True), name="digest_waiting"),
        ]

    def __str__(self) -> str:
        return self.text


class NotificationChoice(models.Model):
    """How one person wants to hear of one kind of event, where it differs from what is usual."""

    class Mail(models.TextChoices):
        NOW = "now", "At once"
        DAILY = "daily", "In the daily summary"
        NO = "no", "Not by mail"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notification_choices")
    event = models.CharField(max_length=20)
    in_app = models.BooleanField(default=True)
    mail = models.CharField(max_length=5, choices=Mail.choices, blank=True, help_text="Empty: as is usual.")

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "event"], name="one_choice_per_event")]

    def __str__(self) -> str:
        return f"{self.event} to {self.user_id}"


class Follow(models.Model):
    """Somebody wants to hear of a record."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="follows")
    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "subject_type", "subject_id"], name="follow_once")]
        indexes = [models.Index(fields=["subject_type", "subject_id"], name="follow_by_subject")]

    def __str__(self) -> str:
        return f"{self.user_id} follows {self.subject_type} {self.subject_id}"


class Visit(models.Model):
    """When somebody last opened a record."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="visits")
    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "subject_type", "subject_id"], name="visit_once")]
        indexes = [models.Index(fields=["user", "-at"], name="visit_latest")]

    def __str__(self) -> str:
        return f"{self.user_id} saw {self.subject_type} {self.subject_id}"

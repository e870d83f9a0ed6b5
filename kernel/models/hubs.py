"""Hubs: who wants to be told of which events by HTTP, and every attempt to tell them."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac


class Subscription(models.Model):
    """A listener of one API's events (TMF630 hub); `query` filters what is sent.

    It hears only of what its user may see.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    api = models.CharField(max_length=10)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="subscriptions")
    callback = models.URLField(max_length=500)
    query = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    why_disabled = models.CharField(max_length=300, blank=True)
    id: int
    user_id: int

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        permissions = [("replay_delivery", "Can send notifications to other systems again")]
        indexes = [models.Index(fields=["api"], condition=models.Q(disabled_at=None), name="listening")]

    def __str__(self) -> str:
        return f"{self.api} → {self.callback}"

    @property
    def secret(self) -> str:
        """What signs its notifications: made from our own secret key, so that the database does not hold it."""
        return salted_hmac("kernel.hub", self.key.hex, algorithm="sha256").hexdigest()


class Delivery(models.Model):
    """One notification to one listener, with the last request and answer. `done_at` stays empty until it is told."""

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.UUIDField(default=uuid.uuid4)
    event_type = models.CharField(max_length=80)
    subject = models.CharField(max_length=60, blank=True)
    body = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveIntegerField(default=0)
    answered = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.TextField(blank=True)
    problem = models.CharField(max_length=300, blank=True)
    milliseconds = models.PositiveIntegerField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)
    id: int

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(
                fields=["due_at", "id"], condition=models.Q(done_at=None, given_up_at=None), name="delivery_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.subject}"

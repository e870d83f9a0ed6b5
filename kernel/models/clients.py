"""Machines at the door: clients and tokens with their scopes, what they called, answers kept for a repeated call."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from oauth2_provider.models import AbstractApplication


class ApiClient(AbstractApplication):
    """A system that logs in with a client id and a secret (OAuth2 client credentials).

    `user` is the account that it acts as: its roles and the accounts granted to it say what the client sees and may do.
    """

    scopes = ArrayField(models.CharField(max_length=40), default=list, help_text="Such as tmf622:read, tmf622:write.")
    rate = models.PositiveIntegerField("calls a minute", default=600)
    is_active = models.BooleanField(default=True)
    id: int

    objects: ClassVar[Any] = models.Manager()

    class Meta(AbstractApplication.Meta):
        swappable = "OAUTH2_PROVIDER_APPLICATION_MODEL"
        verbose_name = "API client"

    def __str__(self) -> str:
        return str(self.name or self.client_id)

    def is_usable(self, request: Any) -> bool:
        """Whether it may ask for a token."""
        return bool(self.is_active and self.user and self.user.is_active)


class PersonalToken(models.Model):
    """A token by which a person's own script acts as that person; only its hash is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80, help_text="What uses it, such as: nightly report.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=12, editable=False)
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_on = models.DateField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    id: int

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"


class ApiCall(models.Model):
    """One call of an interface: who asked for what, and what was answered."""

    at = models.DateTimeField(db_default=Now(), db_index=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    by = models.CharField("client", max_length=100, blank=True)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=300)
    status = models.PositiveSmallIntegerField()
    milliseconds = models.PositiveIntegerField()
    reason = models.CharField(max_length=300, blank=True)
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name = "API call"

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"


class KeptAnswer(models.Model):
    """What a call with an Idempotency-Key was answered, so that its repetition gets the same and does nothing.

    Written in the transaction of the act itself: an act that is rolled back leaves its key free.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, help_text="Of method, path and body.")
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)
    at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="one_answer_per_key")]

    def __str__(self) -> str:
        return self.key

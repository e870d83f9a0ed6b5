"""The log-in's own records: tries that failed, and the second factor of those who want one."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class LogInTry(models.Model):
    """A log-in that was tried and did not succeed, whether the name exists or not."""

    name = models.CharField(max_length=150)
    address = models.GenericIPAddressField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "log-in tries"
        indexes = [
            models.Index(fields=["name", "-at"], name="try_by_name"),
            models.Index(fields=["address", "-at"], name="try_by_address"),
        ]

    def __str__(self) -> str:
        return self.name


class SecondFactor(models.Model):
    """A person's authenticator (TOTP, RFC 6238). The key is kept enciphered, the spare codes as hashes."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor")
    key = models.CharField(max_length=200, editable=False)
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=0, help_text="The half minute of the last code; none is taken twice.")
    spares = ArrayField(models.CharField(max_length=64), default=list)

    objects: ClassVar[Any] = models.Manager()

    def __str__(self) -> str:
        return f"second factor of {self.user_id}"

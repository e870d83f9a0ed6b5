"""Shelves: what of the catalogue one system of a partner sees and may order."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models


class ShelfEntry(models.Model):
    """One offering that was chosen for a partner's system; the empty key says that it has a shelf at all."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=80, blank=True)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        verbose_name_plural = "shelf entries"
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="shelf_entry_once")]

    def __str__(self) -> str:
        return f"{self.key or 'shelf'} for {self.user}"

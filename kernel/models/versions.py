"""Dated versions: rows of one key of which, on any day, the one started last counts."""

import datetime as dt
from typing import Any

from django.utils import timezone

from kernel.models.base import M, RecordQuerySet


class DatedQuerySet(RecordQuerySet[M]):
    """Rows with key, version, state and valid_from."""

    def in_force(self, on: dt.date | None = None) -> Any:
        """The version of each key that counts on a day (today): of those active and started by then, the last."""
        started = self.filter(state="active", valid_from__lte=on or timezone.localdate())
        return started.order_by("key", "-valid_from", "-version").distinct("key")

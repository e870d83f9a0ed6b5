"""Guarding: how often a log-in may be tried. The try is written before the password is looked at.

So a thousand guesses at once get no further than ten one after the other. Names that do not exist are counted like
those that do, and hear the same.
"""

import datetime as dt
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from kernel.models.access import LogInTry
from kernel.models.people import User

TRIES = 8  # of one name from one address
TRIES_OF_NAME = 40  # of one name from anywhere
TRIES_OF_ADDRESS = 300  # of any names from one address; a whole office may share it
WINDOW = dt.timedelta(minutes=15)
KEPT = dt.timedelta(days=1)


class Guarded(ModelBackend):
    """Name and password, unless they were tried too often; every log-in of the product comes by here."""

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **more: Any
    ) -> User | None:
        """The person. Raises PermissionDenied, which ends the search, once too many tries have failed."""
        name, address = (username or "")[:150].lower(), request.META.get("REMOTE_ADDR") if request else None
        made = LogInTry.objects.create(name=name, address=address)
        if locked(name, address, made):
            raise PermissionDenied
        found = super().authenticate(request, username=username, password=password, **more)
        if found is not None:
            LogInTry.objects.filter(name=name, address=address).delete()
        return found


def locked(name: str, address: str | None, made: LogInTry | None = None) -> bool:
    """Whether this name, from this address, has to wait. `made` is the try that asks, which does not count itself."""
    tries = LogInTry.objects.filter(at__gt=timezone.now() - WINDOW).exclude(pk=made.pk if made else 0)
    of_name = tries.filter(name=name.lower())
    return (
        of_name.filter(address=address).count() >= TRIES
        or of_name.count() >= TRIES_OF_NAME
        or tries.filter(address=address).count() >= TRIES_OF_ADDRESS
    )


def forget() -> int:
    """Throw tries away once they are a day old. Returns how many."""
    return LogInTry.objects.filter(at__lt=timezone.now() - KEPT).delete()[0]

"""Freezing: what a preview showed goes to the browser and back, signed, for the person who saw it, for an hour."""

from typing import Any

from django.core import signing
from django.utils import timezone

from kernel.models.people import User
from kernel.refusal import Conflict

HOUR = 3600


def path_of(declared: type) -> str:
    """The dotted path of a class, by which `import_string` finds it again."""
    return f"{declared.__module__}.{declared.__qualname__}"


def freeze(kind: str, what: dict[str, Any], by: User) -> str:
    """A token that only `thaw` of the same kind and person reads; no two are alike."""
    return signing.dumps({**what, "by": by.pk, "at": timezone.now().timestamp()}, salt=kind, compress=True)


def thaw(kind: str, token: str, by: User) -> dict[str, Any]:
    """What was frozen. Raises Conflict for what is older than an hour, somebody else's, or not ours."""
    try:
        frozen: dict[str, Any] = signing.loads(token, salt=kind, max_age=HOUR)
    except signing.BadSignature as error:
        raise Conflict("This preview is too old or not ours. Make a new one.") from error
    if frozen["by"] != by.pk:
        raise Conflict("This preview was made by somebody else.")
    return frozen

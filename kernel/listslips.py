"""List slips: what a list's page hands out so that a later request is about that list, as its reader may open it."""

from typing import Any

from django.core import signing
from django.core.exceptions import BadRequest
from django.utils.module_loading import import_string

from kernel import freezing, workspace
from kernel.models.people import User
from kernel.refusal import NotPermitted


def write(kind: str, declared: type, path: str, **more: str) -> str:
    """A slip of this kind; only `read` of the same kind takes it."""
    told = {"list": freezing.path_of(declared), "path": path, **more}
    return signing.dumps(told, salt=kind, compress=True)


def read(kind: str, slip: str, by: User) -> tuple[Any, dict[str, str]]:
    """The list's class, and what the slip says: `list`, `path` and what was given besides.

    Raises:
        BadRequest: we did not give it.
        NotPermitted: the person may not open the list.
    """
    try:
        told: dict[str, str] = signing.loads(slip, salt=kind)
    except signing.BadSignature as error:
        raise BadRequest("Open the list again.") from error
    if not workspace.may_open(by, told["path"]):
        raise NotPermitted("You may not open this list.")
    return import_string(told["list"]), told

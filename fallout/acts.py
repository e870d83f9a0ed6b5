"""Acts: what can be done to many records of the desk at once; `previewing` shows them, `kernel.many` does them."""

from collections.abc import Callable
from typing import Any

from django.db import models

from fallout import resolution
from fallout.models import Fallout
from kernel import many
from kernel.models import User
from kernel.refusal import Refusal


class Act(models.TextChoices):
    """Its key, and what its button says."""

    RETRY = "retry", "Retry"
    SUGGESTED = "suggested", "Use what is suggested"
    EDIT = "edit", "Edit and retry"
    HAND = "hand", "Complete by hand"
    SKIP = "skip", "Skip"
    CANCEL = "cancel", "Cancel the lines"
    ASSIGN = "assign", "Assign"
    AWAIT = "await", "Await information"


def _again(pk: int, by: User, *, reason: str = "", **_: Any) -> Fallout:
    """A retry of a task, another look at an order."""
    if Fallout.objects.filter(pk=pk, task=None).exists():
        return resolution.look_again(fallout_id=pk, by=by, note=reason)
    return resolution.retry(fallout_id=pk, by=by, note=reason)


def _suggested(pk: int, by: User, *, reason: str = "", **_: Any) -> Fallout:
    raw = {key: str(value) for key, value in Fallout.objects.get(pk=pk).suggestion.items()}
    return resolution.edit_and_retry(fallout_id=pk, by=by, raw=raw, note=reason)


def _edited(pk: int, by: User, *, reason: str = "", values: dict[str, Any] | None = None, **_: Any) -> Fallout:
    return resolution.edit_and_retry(fallout_id=pk, by=by, raw=values or {}, note=reason)


def _by_hand(pk: int, by: User, *, reason: str = "", values: dict[str, Any] | None = None, **_: Any) -> Fallout:
    return resolution.complete_by_hand(fallout_id=pk, by=by, values=values or {}, reason=reason)


def _skipped(pk: int, by: User, *, reason: str = "", **_: Any) -> Fallout:
    return resolution.skip(fallout_id=pk, by=by, reason=reason)


def _cancelled(pk: int, by: User, *, reason: str = "", ends_as: str = "", **_: Any) -> Fallout:
    return resolution.cancel_line(fallout_id=pk, by=by, reason=reason, ends_as=ends_as or "failed")


def _assigned(pk: int, by: User, *, owner: int | None = None, **_: Any) -> Fallout:
    to = User.objects.filter(pk=owner, is_active=True).first() if owner else None
    if to is None:
        raise Refusal(problems={"owner": ["Choose a person."]})
    return resolution.assign(fallout_id=pk, to=to, by=by)


def _awaiting(pk: int, by: User, *, reason: str = "", **_: Any) -> Fallout:
    return resolution.await_information(fallout_id=pk, by=by, reason=reason)


_DONE: dict[Act, tuple[str, Callable[..., Any]]] = {
    Act.RETRY: ("refresh", _again), Act.SUGGESTED: ("sparkles", _suggested), Act.EDIT: ("pencil", _edited),
    Act.HAND: ("hand-stop", _by_hand), Act.SKIP: ("player-skip-forward", _skipped),
    Act.CANCEL: ("circle-x", _cancelled), Act.ASSIGN: ("user-plus", _assigned), Act.AWAIT: ("hourglass", _awaiting),
}  # fmt: skip


def _act(act: Act) -> many.Act:
    icon, one = _DONE[act]
    right = resolution.ASSIGN if act == Act.ASSIGN else resolution.RESOLVE
    return many.Act(act.value, str(act.label), icon, right, one)


class Mending(many.Taken):
    """The desk's records: everybody on it sees what is done to many, managers may stop it."""

    model = Fallout
    related = ("account", "site")
    acts = tuple(_act(act) for act in Act)
    seen_with = "fallout.view_fallout"
    stopped_with = resolution.ASSIGN

    @staticmethod
    def named(record: Any) -> str:
        """Number, customer and site."""
        return ", ".join(filter(None, [f"{record.number} {record.account}", record.site.name if record.site else ""]))

"""Batch: one act for many records, previewed first, the records frozen at the preview, an answer for each."""

from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db import transaction

from fallout import resolution
from fallout.models import Fallout
from kernel.models import User
from kernel.refusal import Conflict, Refusal

SALT = "fallout.batch"
HOURS = 3600
LIMIT = 500
ACTS = ("retry", "assign")


@dataclass(frozen=True)
class Preview:
    """What would happen: which records the act would move, which it leaves out and why."""

    act: str
    ready: list[Any]
    left_out: dict[str, list[Any]]
    token: str

    @property
    def count(self) -> int:
        """How many would move."""
        return len(self.ready)


@dataclass(frozen=True)
class Outcome:
    """What happened to one record; `why` is empty when it was done."""

    number: str
    why: str = ""


def preview(rows: Any, act: str, by: User) -> Preview:
    """Sort records into those the act would move and those it leaves out; the token freezes the former.

    Raises:
        Refusal: more than 500 at once, or an act that does not exist.
    """
    if act not in ACTS:
        raise Refusal("There is no such act for many records.")
    found = list(rows.select_related("account", "site", "owner").order_by("sla_due_at", "pk")[: LIMIT + 1])
    if len(found) > LIMIT:
        raise Refusal(f"At most {LIMIT} records at once. Narrow the list, or take this page only.")
    ready: list[Any] = []
    left_out: dict[str, list[Any]] = {}
    for fallout in found:
        why = _why_not(fallout, act, by)
        if why:
            left_out.setdefault(why, []).append(fallout)
        else:
            ready.append(fallout)
    token = signing.dumps({"act": act, "by": by.pk, "ids": [one.pk for one in ready]}, salt=SALT, compress=True)
    return Preview(act, ready, left_out, token)


def run(token: str, by: User, *, owner: User | None = None) -> list[Outcome]:
    """Do what was previewed, each record in a transaction of its own.

    Raises:
        Conflict: the preview is older than an hour, or somebody else's.
    """
    try:
        frozen = signing.loads(token, salt=SALT, max_age=HOURS)
    except signing.BadSignature as error:
        raise Conflict("This preview is too old or not ours. Make a new one.") from error
    if frozen["by"] != by.pk:
        raise Conflict("This preview was made by somebody else.")
    numbers = dict(Fallout.objects.filter(pk__in=frozen["ids"]).values_list("pk", "number"))
    return [_one(frozen["act"], pk, numbers[pk], by, owner) for pk in frozen["ids"] if pk in numbers]


def _one(act: str, pk: int, number: str, by: User, owner: User | None) -> Outcome:
    try:
        with transaction.atomic():
            if act == "assign":
                if owner is None:
                    raise Refusal(problems={"owner": ["Choose who gets them."]})
                resolution.assign(fallout_id=pk, to=owner, by=by)
            else:
                resolution.retry(fallout_id=pk, by=by)
    except Refusal as refusal:
        return Outcome(number, str(refusal))
    return Outcome(number)


def _why_not(fallout: Fallout, act: str, by: User) -> str:
    if fallout.state in (Fallout.State.RESOLVED, Fallout.State.CLOSED, Fallout.State.CANCELLED):
        return "mended already"
    if act == "retry" and fallout.state in (Fallout.State.ON_HOLD, Fallout.State.AWAITING_INFORMATION):
        return "on hold or waiting for information"
    if act == "retry" and fallout.owner_id and fallout.owner_id != by.pk and fallout.state == Fallout.State.IN_PROGRESS:
        return "somebody else is at it"
    return ""

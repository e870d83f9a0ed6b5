"""Batch: one act for many records, previewed first, frozen at the preview, done in the background, answered one by one.

Every record is done in a transaction of its own together with its answer, so a batch that was cut off goes on where it
stopped, by whichever worker finds it.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from fallout import previewing, resolution
from fallout.models import Batch, BatchItem, Fallout
from kernel import freezing, jobs, lifecycle
from kernel.models import User
from kernel.refusal import NotPermitted, Refusal

AT_ONCE = 8  # so many are done while the person waits; more go to a worker
RUN = "fallout.tasks.run_batch"
Act = Batch.Act
ItemState = BatchItem.State
WORKING = (Batch.State.WAITING, Batch.State.RUNNING)
# Some batch is open, and for a while nobody has answered any of its records.
STANDS = """
EXISTS (SELECT FROM fallout_batch b
    WHERE b.state IN ('waiting', 'running') AND b.created_at < clock_timestamp() - interval '10 s'
        AND NOT EXISTS (SELECT FROM fallout_batchitem i
                        WHERE i.batch_id = b.id AND i.done_at > clock_timestamp() - interval '10 s'))
"""


@transaction.atomic
def start(
    token: str, by: User, *, owner: User | None = None, values: dict[str, Any] | None = None, note: str = "",
    ends_as: str = "",
) -> Batch:  # fmt: skip
    """Make the batch of a preview; pressing twice gives the same one.

    Raises:
        Conflict: the preview is older than an hour, or somebody else's.
        Refusal: what the act needs is missing or wrong, at its field; nothing is made.
    """
    frozen = freezing.thaw(previewing.KIND, token, by)
    act, keys = Act(frozen["act"]), list(frozen["ids"])
    records = list(previewing.rows(Fallout.objects.filter(pk__in=keys)).order_by("pk"))
    typed = {key: given for key, given in (values or {}).items() if str(given).strip() or act != Act.EDIT}
    given = previewing.Given(owner=owner, values=typed, note=note, ends_as=ends_as)
    if problems := previewing.problems(act, records, given, by):
        raise Refusal(problems=problems)
    mark = hashlib.sha256(token.encode()).hexdigest()
    known: Batch | None = Batch.objects.filter(key=mark).first()
    if known:
        return known
    first = records[0] if records else None
    made: Batch = Batch.objects.create(
        act=act, by=by, owner=owner, values=given.values, note=note.strip()[:2000], ends_as=ends_as, key=mark,
        cause=first.cause if first else "", fingerprint=first.fingerprint if first else "", total=len(records),
    )  # fmt: skip
    BatchItem.objects.bulk_create(BatchItem(batch=made, fallout=one) for one in records)
    jobs.wake(RUN, batch_id=made.pk)
    return made


def work(batch_id: int, limit: int | None = None) -> int:
    """Do what is left of a batch, beside other workers. Returns how many records got their answer here."""
    done = 0
    while (limit is None or done < limit) and _one(batch_id):
        done += 1
    finish(batch_id)
    return done


def sweep() -> int:
    """Go on with batches whose message was lost or whose worker died. Returns how many were woken."""
    waiting = Batch.objects.filter(state__in=WORKING).order_by("pk").values_list("pk", flat=True)
    keys = list(waiting[:50])
    for pk in keys:
        jobs.wake(RUN, batch_id=pk)
    return len(keys)


@transaction.atomic
def finish(batch_id: int) -> None:
    """A batch of which every record has its answer is done."""
    batch: Batch = Batch.objects.locked(batch_id)
    if batch.state in WORKING and not batch.items.filter(state=ItemState.WAITING).exists():
        batch.ended_at = timezone.now()
        lifecycle.move(batch, Batch.finish, by=None)


@transaction.atomic
def stop(*, batch_id: int, by: User) -> Batch:
    """Leave the rest as it is; what was done stays done. Raises NotPermitted for somebody else's batch."""
    batch: Batch = Batch.objects.select_related("by").locked(batch_id)
    if batch.by != by and not by.has_perm(resolution.ASSIGN):
        raise NotPermitted(f"{batch.by} started this. A manager may stop it.")
    batch.ended_at = timezone.now()
    lifecycle.move(batch, Batch.stop, by=by)
    batch.items.filter(state=ItemState.WAITING).update(state=ItemState.LEFT, why="Stopped before its turn.")
    return batch


def progress(batch: Batch) -> dict[str, int]:
    """How many of a batch's records stand in each state."""
    found = dict.fromkeys(ItemState.values, 0)
    found.update(batch.items.order_by().values_list("state").annotate(Count("pk")))
    return found


@transaction.atomic
def _one(batch_id: int) -> bool:
    """Take the next waiting record, act, and keep the answer beside it. False when none is left."""
    rows = BatchItem.objects.filter(batch=batch_id, state=ItemState.WAITING, batch__state__in=WORKING)
    item = (
        rows.select_for_update(skip_locked=True, of=("self",))
        .select_related("batch__by", "batch__owner", "fallout")
        .order_by("pk")
        .first()
    )
    if item is None:
        return False
    if item.batch.state == Batch.State.WAITING:
        lifecycle.move_many(Batch.objects.filter(pk=batch_id), Batch.begin, by=None)
    item.state, item.why, item.done_at = *_answer(item), timezone.now()
    item.save(update_fields=["state", "why", "done_at"])
    return True


def _answer(item: BatchItem) -> tuple[str, str]:
    try:
        with transaction.atomic():
            _acts(item.batch)[Act(item.batch.act)](item.fallout)
    except Refusal as refusal:
        return ItemState.REFUSED, str(refusal)[:400]
    return ItemState.DONE, ""


def _acts(batch: Batch) -> dict[Act, Callable[[Fallout], Any]]:
    by, note = batch.by, batch.note
    return {
        Act.RETRY: lambda one: _again(one, by, note),
        Act.SUGGESTED: lambda one: resolution.edit_and_retry(
            fallout_id=one.pk, by=by, raw={key: str(value) for key, value in one.suggestion.items()}, note=note
        ),
        Act.EDIT: lambda one: resolution.edit_and_retry(fallout_id=one.pk, by=by, raw=batch.values, note=note),
        Act.HAND: lambda one: resolution.complete_by_hand(
            fallout_id=one.pk, by=by, values=batch.values, reason=note
        ),
        Act.SKIP: lambda one: resolution.skip(fallout_id=one.pk, by=by, reason=note),
        Act.CANCEL: lambda one: resolution.cancel_line(
            fallout_id=one.pk, by=by, reason=note, ends_as=batch.ends_as or "failed"
        ),
        Act.ASSIGN: lambda one: resolution.assign(fallout_id=one.pk, to=batch.owner, by=by),  # type: ignore[arg-type]
        Act.AWAIT: lambda one: resolution.await_information(fallout_id=one.pk, by=by, reason=note),
    }  # fmt: skip


def _again(fallout: Fallout, by: User, note: str) -> Fallout:
    """A retry of a task, another look at an order."""
    if fallout.task_id:
        return resolution.retry(fallout_id=fallout.pk, by=by, note=note)
    return resolution.look_again(fallout_id=fallout.pk, by=by, note=note)

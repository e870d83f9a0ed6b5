"""Audit: every change writes who, when, from where, old → new, in the same transaction."""

import contextvars
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, models
from django.utils import timezone

from kernel import announcing, copying
from kernel.models.people import User
from kernel.models.trail import AuditEntry


@dataclass(frozen=True)
class Origin:
    """Where the present request comes from."""

    request_id: str = ""
    address: str | None = None


COLUMNS = (
    "actor_id", "action", "subject_type", "subject_id", "subject_name", "changes", "reason", "request_id", "address"
)  # fmt: skip
_waiting: contextvars.ContextVar[list[tuple[Any, ...]] | None] = contextvars.ContextVar("waiting", default=None)
origin: contextvars.ContextVar[Origin] = contextvars.ContextVar("origin", default=Origin())  # noqa: B039 – frozen

_MOVES = """
INSERT INTO kernel_auditentry (at, actor_id, action, subject_type, subject_id, subject_name, changes, reason,
    request_id, address)
SELECT %s, %s::bigint, %s, %s, moved.id, '', jsonb_build_object(%s::text, jsonb_build_array(moved.old, %s::text)), '',
    %s, %s::inet
FROM unnest(%s::bigint[], %s::text[]) AS moved (id, old)
"""


def record(
    action: str,
    subject: models.Model,
    *,
    by: User | None,
    changes: dict[str, list[Any]] | None = None,
    reason: str = "",
) -> AuditEntry:
    """Write one audit row. `changes` maps field → [old, new] with JSON values (others become text)."""
    entry = _entry(action, subject, by, changes, reason)
    announcing.tell(action, entry.subject_type, {subject.pk: entry.changes}, by)
    waiting = _waiting.get()
    if waiting is None:
        entry.save(force_insert=True)
    else:
        waiting.append(tuple(getattr(entry, name) for name in COLUMNS))
    return entry


@contextmanager
def together() -> Iterator[None]:
    """Within this block, which lies in a transaction, what `record` and `record_moves` write is written at its end,
    in their order and in one statement."""
    rows: list[tuple[Any, ...]] = []
    token = _waiting.set(rows)
    try:
        yield
    finally:
        _waiting.reset(token)
    copying.copy(AuditEntry, COLUMNS, rows)


_guarded: list[tuple[str, tuple[str, ...]]] = []


def guard(permission: str, *actions: str) -> None:
    """Let only whoever has the right read what these actions wrote, such as what a thing costs us."""
    _guarded.append((permission, actions))


def readable_by(user: User) -> models.QuerySet[AuditEntry]:
    """The trail, but for what wants a right that this person has not."""
    hidden = [action for permission, actions in _guarded if not user.has_perm(permission) for action in actions]
    return AuditEntry.objects.exclude(action__in=hidden) if hidden else AuditEntry.objects.all()


def record_many(
    action: str, subjects: Iterable[Any], *, by: User | None, changes: dict[str, list[Any]] | None = None
) -> None:
    """The same row for many records of one model in one statement."""
    record_each(action, ((subject, changes or {}) for subject in subjects), by=by)


def record_each(
    action: str, changed: Iterable[tuple[Any, dict[str, list[Any]]]], *, by: User | None, reason: str = ""
) -> None:
    """A row for each of many records of one model, each with changes of its own, in one statement."""
    entries = [_entry(action, subject, by, changes, reason) for subject, changes in changed]
    if entries:
        announcing.tell(action, entries[0].subject_type, {entry.subject_id: entry.changes for entry in entries}, by)
        AuditEntry.objects.bulk_create(entries)


def _entry(
    action: str, subject: models.Model, by: User | None, changes: dict[str, list[Any]] | None, reason: str
) -> AuditEntry:
    here = origin.get()
    return AuditEntry(
        actor=by, action=action, subject_type=subject._meta.label_lower, subject_id=subject.pk,
        subject_name=str(subject)[:200], changes=_plain(changes or {}), reason=reason,
        request_id=here.request_id, address=here.address,
    )  # fmt: skip


def record_rows(action: str, model: type[models.Model], rows: Iterable[tuple[int, str]], *, by: User | None) -> None:
    """The same row for many records of one model that are not at hand as instances; `rows` are (key, name)."""
    here, rows = origin.get(), list(rows)
    announcing.tell(action, model._meta.label_lower, {pk: {} for pk, _ in rows}, by)
    common = (by.pk if by else None, action, model._meta.label_lower, here.request_id, here.address)
    columns = ("actor_id", "action", "subject_type", "request_id", "address", "subject_id", "subject_name")
    copying.copy(AuditEntry, columns, ((*common, pk, name[:200]) for pk, name in rows))


def record_moves(
    action: str, model: type[models.Model], field: str, rows: list[tuple[int, str]], target: str, *, by: User | None
) -> None:
    """Audit rows of a set-based move, made by the database itself; `rows` are (key, old state)."""
    here = origin.get()
    keys, olds = zip(*rows, strict=True) if rows else ((), ())
    label = model._meta.label_lower
    announcing.tell(action, label, {pk: {field: [old, target]} for pk, old in rows}, by)
    waiting = _waiting.get()
    if waiting is not None:
        who, end = by.pk if by else None, ("", here.request_id, here.address)
        waiting += [(who, action, label, pk, "", {field: [old, target]}, *end) for pk, old in rows]
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _MOVES,
            [
                timezone.now(), by.pk if by else None, action, label, field, target,
                here.request_id, here.address, f"{{{','.join(map(str, keys))}}}", list(olds),
            ],
        )  # fmt: skip


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[Any]]:
    """Fields whose values differ, as `changes` for `record`."""
    return {name: [before.get(name), after[name]] for name in after if before.get(name) != after[name]}


def _plain(changes: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {name: [_json(old), _json(new)] for name, (old, new) in changes.items()}


def _json(value: Any) -> Any:
    """JSON for anything: what JSON does not know becomes text, at any depth."""
    if isinstance(value, dict):
        return {str(key): _json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_json(inner) for inner in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)

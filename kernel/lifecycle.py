"""Lifecycles: declared once on the model with django-fsm, moved only through here, guarded again by the database."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pgtrigger
from django.db import models
from django_fsm import Transition, can_proceed, has_transition_perm

from kernel import audit, paperwork
from kernel.models.people import User
from kernel.refusal import Conflict, NotPermitted

Class = TypeVar("Class", bound=type[models.Model])


class IllegalMove(Conflict):
    """The record's state does not allow this move."""


@dataclass(frozen=True)
class Move:
    """A move as a screen offers it. `why_not` is empty when the person may make it now."""

    name: str
    label: str
    target: str
    why_not: str
    needs_reason: bool = False
    asks: str = "Reason"
    read_by: str = "It is kept with the record and seen by those who work on it."


def guarded(*fields: str) -> Callable[[Class], Class]:
    """Class decorator: the database refuses what the `@transition` declarations of these fields do not list."""

    def wrap(model: Class) -> Class:
        for name in fields:
            pairs = sorted({(str(t.source), str(t.target)) for t in transitions_of(model, name)})
            pgtrigger.register(
                pgtrigger.FSM(name=f"{name}_moves", field=name, transitions=pairs, condition=pgtrigger.AnyChange(name))
            )(model)
        return model

    return wrap


def transitions_of(model: type[models.Model], field: str = "state") -> list[Transition]:
    """Every declared transition of a model's field, in declaration order."""
    return list(model._meta.get_field(field).get_all_transitions(model))  # type: ignore[union-attr]


def move(record: Any, transition: Callable[..., Any], *, by: User | None, reason: str = "", **inputs: Any) -> Any:
    """Make one move of a record that the caller has locked: permission, transition, save, audit row.

    `transition` is the model's method, as in `move(order, Order.submit, by=user)`; `by=None` is the system itself.

    Raises:
        IllegalMove: the move does not start from the record's present state, or its condition does not hold.
        NotPermitted: the person lacks the permission that the transition names.
        Missing: a type of file that its new state needs is not there; what the machine moves is not asked.
    """
    changes = _made(record, transition, by, inputs)
    record.save()
    audit.record(transition.__name__, record, by=by, changes=changes, reason=reason)
    return record


def move_new(record: Any, transition: Callable[..., Any], *, by: User | None) -> None:
    """`move` of a record that this transaction stores afterwards, as the caller does; it has its key already."""
    audit.record(transition.__name__, record, by=by, changes=_made(record, transition, by, {}))


def move_all_new(records: list[Any], transition: Callable[..., Any], *, by: User | None) -> None:
    """`move_new` of many records of one model; as in `move_many`, conditions and permissions are not asked."""
    if not records:
        return
    field = transition._django_fsm.field.name  # type: ignore[attr-defined]
    held = [(record.pk, getattr(record, field)) for record in records]
    for record in records:
        require_source(record, transition)
        transition(record)
        record.edition += 1
    audit.record_moves(transition.__name__, type(records[0]), field, held, getattr(records[0], field), by=by)


def _made(
    record: Any, transition: Callable[..., Any], by: User | None, inputs: dict[str, Any]
) -> dict[str, list[Any]]:  # fmt: skip
    """Make a move on a record that is not saved by it; what it changed. Raises as `move` does."""
    name = transition.__name__
    method = getattr(record, name)
    field = method._django_fsm.field.name
    before = getattr(record, field)
    if not can_proceed(method):
        raise IllegalMove(_refusal(record, name, before))
    if by is not None and not has_transition_perm(method, by):
        raise NotPermitted(f"Your roles do not include the right to {_label(method, before).lower()} this.")
    if by is not None:
        paperwork.require(record, str(method._django_fsm.get_transition(before).target))
    method(**inputs)
    record.edition += 1
    return {field: [before, getattr(record, field)]}


def require_source(record: Any, transition: Callable[..., Any]) -> None:
    """Raises IllegalMove unless the move starts from the record's present state; nothing else is asked."""
    meta = transition._django_fsm  # type: ignore[attr-defined]
    state = getattr(record, meta.field.name)
    if not meta.has_transition(state):
        raise IllegalMove(_refusal(record, transition.__name__, state))


def move_many(
    rows: models.QuerySet[Any], transition: Callable[..., Any], *, by: User | None, trail: bool = True,
    locked: list[tuple[int, str]] | None = None, **changes: Any,
) -> list[int]:  # fmt: skip
    """Make the same move of many rows in one statement; rows in other states are left alone. Returns the moved keys.

    For the machine's own set-based moves: conditions and permissions of the transition are not asked, the database's
    guard is. `changes` are further columns to set. `trail=False` leaves out the audit rows. A caller that has locked
    the rows gives them as `locked`, (key, state) by key; they are not looked for again.
    """
    meta = transition._django_fsm  # type: ignore[attr-defined]
    field = meta.field.name
    by_target: dict[str, list[str]] = {}
    for t in meta.transitions.values():
        by_target.setdefault(str(t.target), []).append(str(t.source))
    moved: list[int] = []
    for target, sources in by_target.items():
        if locked is None:
            found = rows.filter(**{f"{field}__in": sources}).order_by("pk").select_for_update(of=("self",), no_key=True)
            keys = list(found.values_list("pk", field, named=False))
        else:
            keys = [(pk, state) for pk, state in locked if state in sources]
        if not keys:
            continue
        rows.model._base_manager.filter(pk__in=[pk for pk, _ in keys]).update(
            **{field: target, "edition": models.F("edition") + 1}, **changes
        )
        if trail:
            audit.record_moves(transition.__name__, rows.model, field, keys, target, by=by)
        moved.extend(pk for pk, _ in keys)
    return moved


def target_of(transition: Callable[..., Any]) -> str:
    """The state that a move leads to, whichever it starts from."""
    (target,) = {str(t.target) for t in transition._django_fsm.transitions.values()}  # type: ignore[attr-defined]
    return target


def moves(record: Any, user: User, field: str = "state") -> list[Move]:
    """Moves from the present state that a person could press, those not allowed with the reason.

    A transition whose `custom` has `hidden` belongs to the machine and is left out.
    """
    found = []
    for t in transitions_of(type(record), field):
        if t.source != getattr(record, field) or t.custom.get("hidden"):
            continue
        method = getattr(record, t.name)
        why = ""
        if not can_proceed(method):
            why = t.custom.get("why_not", "It cannot be done yet.")
        elif not has_transition_perm(method, user):
            why = "Your roles do not include this right."
        label = t.custom.get("label", t.name.replace("_", " ").capitalize())
        words = {key: t.custom[key] for key in ("needs_reason", "asks", "read_by") if key in t.custom}
        found.append(Move(t.name, label, str(t.target), why, **words))
    road = list(getattr(record, "STAGES", ()))
    found.sort(key=lambda move: road.index(move.target) if move.target in road else len(road))
    return found


def transition_named(model: type[models.Model], name: str) -> Callable[..., Any]:
    """The transition method a crafted or real form names. Raises IllegalMove for anything else."""
    method = getattr(model, name, None)
    if method is None or not hasattr(method, "_django_fsm"):
        raise IllegalMove(f"There is no move called “{name}”.")
    return method  # type: ignore[no-any-return]


def _label(method: Any, source: str) -> str:
    found = method._django_fsm.get_transition(source)
    return str((found.custom if found else {}).get("label") or method.__name__.replace("_", " "))


def _refusal(record: Any, name: str, state: str) -> str:
    kind = record._meta.verbose_name
    return f"This {kind} is {state.replace('_', ' ')}; “{name.replace('_', ' ')}” is not possible from there."

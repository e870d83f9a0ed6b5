"""Previewing: what one act would do to many records: which it moves, what is sent, which it leaves out and why."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils import timezone

from catalog import configuration, telling
from fallout import changing, resolution, skipping
from fallout.acts import Act, Mending
from fallout.models import Fallout
from fulfillment.models import Task
from kernel import many
from kernel.models import User
from kernel.refusal import Refusal
from orders import withdrawal
from orders.models import DomainOrder, Order

LIMIT = 1000
SHOWN = 12  # lines of what is sent
State = Fallout.State
MENDED = (State.RESOLVED, State.CLOSED, State.CANCELLED)
PAUSED = (State.ON_HOLD, State.AWAITING_INFORMATION)
NEEDS_REASON = (Act.HAND, Act.SKIP, Act.CANCEL, Act.AWAIT)
ABOUT_TASKS = (Act.SUGGESTED, Act.EDIT, Act.HAND, Act.SKIP, Act.CANCEL)


@dataclass(frozen=True)
class Given:
    """What a person typed for the act."""

    owner: User | None = None
    values: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    ends_as: str = ""


@dataclass(frozen=True)
class Sent:
    """One line of what will be sent or changed."""

    number: str
    where: str
    what: str


@dataclass
class Preview:
    """What would happen: which records the act would move, which it leaves out and why."""

    act: str
    ready: list[Fallout]
    left_out: dict[str, list[Fallout]]
    token: str
    asks: list[changing.Value] = field(default_factory=list)
    now: dict[str, str] = field(default_factory=dict)
    sends: list[Sent] = field(default_factory=list)
    also: list[str] = field(default_factory=list)
    systems: list[str] = field(default_factory=list)
    lines: int = 0
    at: dt.datetime = field(default_factory=timezone.now)

    @property
    def count(self) -> int:
        """How many would move."""
        return len(self.ready)

    @property
    def label(self) -> str:
        """The act in words."""
        return str(Act(self.act).label)

    @property
    def needs_reason(self) -> bool:
        """Whether the person has to say why."""
        return self.act in NEEDS_REASON

    @property
    def more(self) -> int:
        """How many lines of what is sent are not shown."""
        return max(0, self.count - len(self.sends))


def rows(found: Any) -> Any:
    """Records with all that a preview reads, in one query."""
    return found.select_related("task__item", "task__flow__definition", "account", "site", "owner")


def preview(found: Any, act: str, by: User) -> Preview:
    """Sort records into those the act would move and those it leaves out; the token freezes the former.

    Raises:
        Refusal: more than 1,000 at once, or an act that does not exist.
    """
    if act not in Act.values:
        raise Refusal("There is no such act for many records.")
    records = list(rows(found).order_by("sla_due_at", "pk")[: LIMIT + 1])
    if len(records) > LIMIT:
        raise Refusal(f"At most {LIMIT:,} records at once. Narrow the list, or take this page only.")
    ready: list[Fallout] = []
    left_out: dict[str, list[Fallout]] = {}
    reasons = _Reasons(Act(act), by, records)
    for record in records:
        why = reasons.why_not(record)
        if why:
            left_out.setdefault(why, []).append(record)
        else:
            ready.append(record)
    desk = reverse("fallout:fallout_list") + (f"?cause={ready[0].fingerprint}" if ready else "")
    made = Preview(
        act, ready, left_out, many.frozen_for(Mending, desk, act, ready, by), lines=reasons.lines, also=reasons.also
    )
    _describe(made)
    return made


def problems(act: Act, records: list[Fallout], given: Given, by: User) -> dict[str, list[str]]:
    """What is missing or wrong in what the person typed, at its field; each value is checked once per kind of task."""
    found: dict[str, list[str]] = {}
    if not records:
        found[""] = ["Nothing is left that this would change."]
    if act in NEEDS_REASON and not given.note.strip():
        found["reason"] = ["Say why; every record keeps it."]
    if act == Act.CANCEL and given.ends_as not in (withdrawal.FAILED, withdrawal.CANCELLED):
        found["ends_as"] = ["Choose how the lines end."]
    if act == Act.ASSIGN:
        if given.owner is None:
            found["owner"] = ["Choose who gets them."]
        elif not given.owner.has_perm(resolution.RESOLVE):
            found["owner"] = [f"{given.owner} may not resolve fallout."]
    if act in (Act.EDIT, Act.HAND):
        found |= _wrong_values(act, records, given.values)
    return found


def _wrong_values(act: Act, records: list[Fallout], typed: dict[str, Any]) -> dict[str, list[str]]:
    if act == Act.EDIT and not any(str(given).strip() for given in typed.values()):
        return {"": ["No value was given. Enter one, or retry as it is."]}
    seen: set[int] = set()
    for record in records:
        item = record.task.item_id if record.task else 0
        if item in seen:
            continue
        seen.add(item)
        try:
            changing.check(record, typed) if act == Act.EDIT else changing.outputs(record, typed)
        except Refusal as refusal:
            return dict(refusal.problems)
    return {}


class _Reasons:
    """Why the act leaves a record out; what needs queries is read once for all records."""

    def __init__(self, act: Act, by: User, records: list[Fallout]) -> None:
        self.act, self.by = act, by
        self.lines = 0
        self.also: list[str] = []
        self.shut: dict[int, str] = {}
        if act == Act.SKIP:
            self._skips(records)
        elif act == Act.CANCEL:
            self._lines(records)

    def why_not(self, record: Fallout) -> str:
        """Empty when the act would move the record."""
        if record.state in MENDED:
            return "mended already"
        if self.act == Act.ASSIGN:
            return ""
        if self.act in ABOUT_TASKS and record.task is None:
            return "about a whole order, not about one task"
        if record.state in PAUSED:
            return "on hold or waiting for information"
        if record.owner_id and record.owner_id != self.by.pk and record.state == State.IN_PROGRESS:
            return "somebody else is at it"
        if self.act == Act.SUGGESTED and not record.suggestion:
            return "nothing is suggested for them"
        return self.shut.get(record.pk, "")

    def _skips(self, records: list[Fallout]) -> None:
        """What skipping would leave missing, asked once for each kind of step and set of known values."""
        known: dict[tuple[int, int, tuple[str, ...]], str] = {}
        for record in records:
            task = record.task
            if task is None:
                continue
            missing = tuple(sorted(set(skipping.outputs(task)) - task.flow.data.keys()))
            mark = (task.item_id, task.flow.root_id, missing)
            if mark not in known:
                known[mark] = skipping.why_not(task)
            self.shut[record.pk] = known[mark]

    def _lines(self, records: list[Fallout]) -> None:
        """Whether the lines may be given up: the whole of an order at once, else each line by itself."""
        flows = [record.task.flow_id for record in records if record.task]
        nodes = {n.flow_id: n for n in DomainOrder.objects.filter(flow__in=flows).select_related("order")}
        by_order: dict[Order, list[Fallout]] = {}
        for record in records:
            node = nodes.get(record.task.flow_id) if record.task else None
            if node is None:
                self.shut[record.pk] = "not part of an order’s line"
            else:
                by_order.setdefault(node.order, []).append(record)
        for order, theirs in by_order.items():
            self._of_order(order, theirs, {one.pk: nodes[one.task.flow_id] for one in theirs if one.task})

    def _of_order(self, order: Order, records: list[Fallout], nodes: dict[int, DomainOrder]) -> None:
        found = withdrawal.scope(order, [node.line_id for node in nodes.values()])
        if not found.why_not:
            self.lines += len(found.lines)
            self.also += [f"{line.offering} at {line.site or order}: {why}" for line, why in found.also]
            for record in records:
                if nodes[record.pk].pk not in found.nodes:
                    self.shut[record.pk] = "shared with lines that go on"
            return
        for record in records:
            alone = withdrawal.scope(order, [nodes[record.pk].line_id])
            self.shut[record.pk] = alone.why_not
            self.lines += 0 if alone.why_not else len(alone.lines)


def _describe(made: Preview) -> None:
    """What will be sent: systems, values now, values asked for, and the first lines one by one."""
    tasks: list[Task] = [one.task for one in made.ready if one.task]
    calls = Counter(f"{t.item.adapter} {t.item.operation}".strip() for t in tasks if t.item.adapter)
    made.systems = [f"{name} ({count})" for name, count in calls.most_common(4)]
    if made.act in (Act.EDIT, Act.HAND) and tasks:
        made.asks = _asked(made)
        made.now = {value.key: _spread(tasks, value) for value in made.asks} if made.act == Act.EDIT else {}
    known = telling.of(_named(made.ready[:SHOWN]))
    for record in made.ready[:SHOWN]:
        where = ", ".join(filter(None, [str(record.account), record.site.name if record.site else ""]))
        made.sends.append(Sent(record.number, where, _what(Act(made.act), record, known)))


def _asked(made: Preview) -> list[changing.Value]:
    """The values that every record's task has, so that one form fits all."""
    read = changing.editable if made.act == Act.EDIT else changing.asked_by_hand
    by_item = {record.task.item_id: record for record in made.ready if record.task}
    lists = [read(record) for record in by_item.values()]
    common = set.intersection(*[{value.key for value in values} for values in lists]) if lists else set()
    return [value for value in lists[0] if value.key in common] if lists else []


def _spread(tasks: list[Task], value: changing.Value) -> str:
    found = [task.flow.data.get(value.key) for task in tasks]
    counted = Counter(
        "empty" if configuration.is_empty(one) else configuration.told(value.characteristic, one) for one in found
    )
    told = [f"{said} × {count}" if count > 1 else said for said, count in counted.most_common(3)]
    left = len(counted) - 3
    return ", ".join(told) + (f" and {left} more" if left > 0 else "")


def _named(records: list[Fallout]) -> set[str]:
    """Keys of all values that these records speak of."""
    inputs = {str(name).rstrip("?") for record in records if record.task for name in record.task.item.inputs}
    return inputs | {key for record in records for key in record.suggestion}


def _what(act: Act, record: Fallout, known: telling.Glossary) -> str:
    task = record.task
    if task is None:
        return "the order is looked at again"
    own = task.flow.specification_key
    if act == Act.SUGGESTED:
        told = ((key, known.said(key, task.flow.data.get(key), own), new) for key, new in record.suggestion.items())
        return ", ".join(
            f"{known.name(key, own)} {old or 'empty'} → {known.said(key, new, own)}" for key, old, new in told
        )
    inputs = [str(name).rstrip("?") for name in task.item.inputs]
    values = {key: task.flow.data[key] for key in inputs if task.flow.data.get(key) is not None}
    said = [f"{name} {value}" for name, value in known.told(values, own)]
    return f"{task.name}{': ' if said else ''}{', '.join(said[:5])}"

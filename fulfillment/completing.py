"""Completing many: tasks of the same step at once, previewed, with each row's own values, answered row by row."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fulfillment import queries, release, taskforms, taskwork
from fulfillment.models import Flow, Task
from kernel.models import User
from kernel.refusal import Refusal

MOST = 100


@dataclass
class Row:
    """One task of the preview with its fields, and what came of it once it was tried."""

    task: Task
    fields: list[taskforms.Field]
    done: bool = False
    why: str = ""

    @property
    def wrong(self) -> bool:
        """Whether something at a field has to be put right first."""
        return any(one.errors for one in self.fields)


@dataclass
class Step:
    """Tasks of one step of a plan: the same form and the same checklist."""

    name: str
    checklist: list[str]
    rows: list[Row] = field(default_factory=list)

    @property
    def heads(self) -> list[taskforms.Field]:
        """The form's fields, as heads of the grid."""
        return self.rows[0].fields if self.rows else []


@dataclass
class Preview:
    """What completing would do: the step that can be completed together, and what is left out and why."""

    step: Step | None
    left_out: dict[str, list[Task]]

    @property
    def count(self) -> int:
        """How many can be completed."""
        return len(self.step.rows) if self.step else 0


def preview(tasks: list[Task], by: User) -> Preview:
    """Sort tasks into those that can be completed together and those that cannot; the most frequent step counts.

    `tasks` come with flow and item. Raises Refusal for none, or for more than 100.
    """
    if not tasks:
        raise Refusal("Tick at least one task.")
    if len(tasks) > MOST:
        raise Refusal(f"At most {MOST} tasks at once.")
    left_out: dict[str, list[Task]] = defaultdict(list)
    steps: dict[int, list[Task]] = defaultdict(list)
    for task in tasks:
        why = _why_not(task, by)
        (left_out[why] if why else steps[task.item_id]).append(task)
    if not steps:
        return Preview(None, dict(left_out))
    chosen = max(steps, key=lambda item: (len(steps[item]), -item))
    for item, theirs in steps.items():
        if item != chosen:
            left_out["another step: complete them on their own"] += theirs
    first = steps[chosen][0]
    forms = taskforms.fields_of(steps[chosen])
    rows = [Row(task, forms[task.pk]) for task in steps[chosen]]
    return Preview(Step(first.name, list(first.item.checklist), rows), dict(left_out))


def run(tasks: list[Task], by: User, typed: Mapping[int, Mapping[str, str]], *, ticked: bool) -> Preview:
    """Complete what the preview shows, each in a transaction of its own; wrong values stay, at their fields.

    Raises:
        Refusal: the step has a checklist and nobody said that it was followed everywhere.
    """
    shown = preview(tasks, by)
    if shown.step is None:
        return shown
    if shown.step.checklist and not ticked:
        raise Refusal(problems={"checklist": ["Confirm that every point is done at every one of them."]})
    for row in shown.step.rows:
        values = dict(typed.get(row.task.pk, {}))
        for one in row.fields:
            one.value = values.get(one.key, one.value)
        _complete(row, by, values)
    return shown


def _complete(row: Row, by: User, values: dict[str, Any]) -> None:
    try:
        taskwork.complete(row.task.pk, by, values, row.task.item.checklist)
        row.done = True
    except Refusal as refusal:
        for one in row.fields:
            one.errors = refusal.problems.get(one.key, [])
        row.why = "" if row.wrong else str(refusal)


def _why_not(task: Task, by: User) -> str:
    if task.state in Task.CLOSED:
        return "closed already"
    if task.in_fallout:
        return "in fallout: mended on the fallout desk"
    if task.state not in queries.TO_DO:
        return f"{Task.State(task.state).label.lower()}"
    if task.kind not in taskwork.BY_PEOPLE:
        return "done by the system"
    if task.flow.state not in release.RUNNING:
        return f"its order is {Flow.State(task.flow.state).label.lower()}"
    if task.assignee_id not in (None, by.pk) and not by.has_perm("fulfillment.assign_task"):
        return "somebody else has them"
    return ""

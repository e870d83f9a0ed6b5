"""Completing many: tasks of one or several steps at once, previewed, each row with its own values and its answer."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from catalog import answering, configuration, wording
from fulfillment import queries, release, taskforms, taskwork
from fulfillment.models import Flow, Task
from kernel.models import User
from kernel.refusal import Refusal

MOST = 100


@dataclass
class Row:
    """One task of the preview with its fields, and what came of it once it was tried."""

    task: Task
    sheet: answering.Sheet
    values: configuration.Values
    problems: configuration.Problems = field(default_factory=dict)
    done: bool = False
    why: str = ""

    @cached_property
    def fields(self) -> list[configuration.Field]:
        """A field for each question of the step, also for those that this row's values do not call for."""
        return [
            answering.drawn(
                one, self.values.get(one.key), self.problems.get(one.key, []),
                required=one.required and not one.shown_when, key=f"{self.task.pk}-{one.key}",
            )
            for one in self.sheet.asked
        ]  # fmt: skip

    @property
    def wrong(self) -> bool:
        """Whether something at a field has to be put right first."""
        return bool(self.problems)


@dataclass
class Step:
    """Tasks of one step of a plan: the same form and the same checklist."""

    item: int
    name: str
    checklist: list[str]
    rows: list[Row] = field(default_factory=list)
    problem: str = ""

    @property
    def open_rows(self) -> list[Row]:
        """Those that are not completed yet."""
        return [row for row in self.rows if not row.done]

    @property
    def heads(self) -> list[tuple[configuration.Field, str]]:
        """The form's fields, as heads of the grid, each with the condition under which it is asked, in words."""
        if not self.rows:
            return []
        asked = self.rows[0].sheet.asked
        known = {one.key: one for one in asked}
        said = [wording.said(one.shown_when, known) if one.shown_when else "" for one in asked]
        return list(zip(self.rows[0].fields, said, strict=True))


@dataclass
class Preview:
    """What completing would do: what can be completed, step by step, and what is left out and why."""

    steps: list[Step]
    left_out: dict[str, list[Task]]

    @property
    def count(self) -> int:
        """How many can be completed."""
        return sum(len(step.rows) for step in self.steps)

    @property
    def done(self) -> list[Row]:
        """What was completed."""
        return [row for step in self.steps for row in step.rows if row.done]

    @property
    def open(self) -> list[Row]:
        """What can still be completed."""
        return [row for step in self.steps for row in step.open_rows]


def preview(tasks: list[Task], by: User) -> Preview:
    """Sort tasks into those that can be completed, by their step, the most frequent first, and those that cannot.

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
    sheets = taskforms.sheets([task for theirs in steps.values() for task in theirs])
    found = [
        Step(item, theirs[0].name, list(theirs[0].item.checklist),
             [Row(task, sheets[task.pk], taskforms.standing(task)) for task in theirs])
        for item, theirs in sorted(steps.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    ]  # fmt: skip
    return Preview(found, dict(left_out))


def run(tasks: list[Task], by: User, typed: Mapping[int, Mapping[str, Any]], *, ticked: Collection[int]) -> Preview:
    """Complete what the preview shows, each in a transaction of its own; wrong values stay, at their fields.

    A step with a checklist waits until somebody says that it was followed everywhere; `ticked` are keys of such steps.
    """
    shown = preview(tasks, by)
    for step in shown.steps:
        if step.checklist and step.item not in ticked:
            step.problem = "Confirm that every point is done at every one of them."
        for row in step.rows:
            answers = dict(typed.get(row.task.pk, {}))
            if step.problem:
                row.values = {**row.values, **answers}
            else:
                _complete(row, by, answers)
    return shown


def _complete(row: Row, by: User, typed: dict[str, Any]) -> None:
    row.values = {**row.values, **typed}
    row.problems = _uncalled(row.sheet, typed)
    if row.problems:
        return
    try:
        taskwork.complete(row.task.pk, by, typed, row.task.item.checklist)
        row.done = True
    except Refusal as refusal:
        asked = {one.key for one in row.sheet.asked}
        row.problems = {key: texts for key, texts in refusal.problems.items() if key in asked}
        row.why = "" if row.problems else str(refusal)


def _uncalled(sheet: answering.Sheet, typed: dict[str, Any]) -> configuration.Problems:
    """Answers that these values do not call for: in a grid nothing is dropped unseen."""
    values, _ = answering.read(sheet, typed)
    called = {one.key for one in answering.fields(sheet, values)}
    given = {one.key for one in sheet.asked if str(typed.get(one.key, "")).strip()}
    return {key: ["Not asked with these values. Leave it empty."] for key in given - called}


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

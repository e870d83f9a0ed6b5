"""The task queue: mine and my teams' first, taken, given, paused and completed one by one or many at once."""

import dataclasses
from typing import Any

from django.db.models import Case, Q, Value, When
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from fulfillment import assignment, maintenance, queries, taskwork
from fulfillment.forms.assigning import AssignForm, OwnerForm
from fulfillment.models import Kind, Task
from kernel import amending, htmx, many, tables, workspace
from kernel.forms import ReasonForm
from kernel.models import User

WORK = "fulfillment.work_task"


def _taken(task: Task, by: User) -> str:
    """Why somebody cannot take it; empty when they can."""
    if task.state in Task.CLOSED:
        return "closed already"
    return f"{task.assignee} has them" if task.assignee not in (None, by) else ""


def _given(task: Task, by: User) -> str:
    return "closed already" if task.state in Task.CLOSED else ""


def _pausing(name: str, icon: str, form: Any = None) -> many.Act:
    """A move of tasks that one has, or gives to others."""
    act = many.moves(Task, name, icon=icon, permission=WORK, form=form)

    def why_not(task: Task, by: User) -> str:
        if task.in_fallout:
            return "in fallout: mended on the fallout desk"
        return act.why_not(task, by) or ("" if by.has_perm(assignment.ASSIGN) else _taken(task, by))

    return dataclasses.replace(act, why_not=why_not)


def _give(pk: int, by: User, *, to: User | None) -> Any:
    return taskwork.assign(pk, to, by, tell=False) if to else assignment.give_best(pk, by)


def _change(pk: int, *, edition: int, by: User, assignee: User | None) -> Task:
    return taskwork.assign(pk, assignee, by)


def _fixed(task: Task) -> str:
    """Why nobody can be given it from the list; empty when somebody can."""
    if task.state in Task.CLOSED:
        return "This task is closed."
    return "" if task.kind in queries.FOR_PEOPLE else "The system does this step by itself."


EDITS = amending.Edits(OwnerForm, ("assignee",), assignment.ASSIGN, _change, cells=("assignee",), why_not=_fixed)
ACTS = (
    many.Act("complete", "Complete", "checks", WORK, taskwork.complete, page="fulfillment:task_many"),
    many.Act("take", "Take", "user-check", WORK, taskwork.claim, _taken),
    _pausing("hold", "player-pause", ReasonForm),
    _pausing("resume", "player-play"),
    many.Act("assign", "Assign", "user-plus", assignment.ASSIGN, _give, _given, AssignForm, ended=assignment.tell),
)


class DueDay(tables.Due):
    """The planned end, quiet once the task is closed."""


def where(task: Task) -> str:
    """The site, else the customer."""
    return task.flow.site.name if task.flow.site else str(task.flow.account)


class TaskTable(tables.Table):
    """Columns of the queue."""

    name = tables.Name(sub="number", verbose_name="Task")
    root = tables.Text(
        accessor="flow__root_number", sub=where, verbose_name="Order and site", order_by="flow__root_number"
    )
    state = tables.Pill(loud=lambda task: task.in_fallout and "fallout", optional=True)
    assignee = tables.Avatar(order_by="assignee__last_name", optional=True)
    team = tables.Text(optional=True)
    planned_end = DueDay(verbose_name="Due")


def _teams() -> list[tuple[str, str]]:
    """Teams that have open tasks for people."""
    rows = Task.objects.filter(kind__in=queries.FOR_PEOPLE, state__in=queries.OPEN).exclude(team="")
    return [(name, name) for name in rows.order_by("team").values_list("team", flat=True).distinct()]


class TaskFilter(tables.Filters):
    """Filters of the queue."""

    whose = tables.Choices(
        label="Whose", empty_label="Mine and my teams’", method="by_whose",
        choices=[
            ("mine", "Mine"), ("free", "Free in my teams"), ("nobody", "Free in any team"),
            ("people", "All people’s"), ("all", "All, also the system’s"),
        ],
    )  # fmt: skip
    state = tables.States(Task, empty_label="Open")
    kind = tables.Choices(choices=Kind.choices)
    team = tables.Choices(choices=_teams, empty_label="Any")

    class Meta:
        model = Task
        fields: list[str] = []

    def by_whose(self, rows: Any, name: str, value: str) -> Any:
        """One of the views that the chip offers; each is a subset of what the list may show."""
        user: Any = self.request.user
        if value == "mine":
            return rows.filter(assignee=user)
        if value == "free":
            return rows.filter(assignee__isnull=True, team__in=user.teams)
        if value == "nobody":
            return rows.filter(assignee__isnull=True, kind__in=queries.FOR_PEOPLE)
        return rows if value == "all" else rows.filter(kind__in=queries.FOR_PEOPLE)


class Tasks(tables.ListPage):
    """The list; without a choice it shows open tasks that are mine or my teams'."""

    title = "My tasks"
    model = Task
    table = TaskTable
    filters = TaskFilter
    search = ("number", "name", "flow__root_number", "flow__site__name", "account__name")
    search_label = "Task, order, site or customer"
    sort = "planned_end"
    related = ("flow__site", "flow__account", "assignee", "item")
    acts = ACTS
    edits = EDITS
    empty = tables.Empty(
        "checkbox", "Nothing for you to do", "Tasks land here when an order reaches a step that you or your teams do.",
        "Look at all people’s tasks", "fulfillment:task_all",
    )  # fmt: skip

    def rows(self) -> Any:
        """Narrowed to the usual view wherever the reader chose nothing else."""
        user, asked = workspace.person(self.request), self.request.GET
        found = Task.objects.visible_to(user) if asked.get("whose") else queries.mine_and_my_teams(user)
        found = found if asked.get("state") else found.filter(state__in=queries.OPEN)
        return found.annotate(tickable=_tickable(user))


def _tickable(user: User) -> Any:
    """Whether this person may do something with a row: it is open, and free, their own, or theirs to assign."""
    mine = Q() if user.has_perm(assignment.ASSIGN) else Q(assignee=None) | Q(assignee=user)
    todo = Q(state__in=queries.OPEN, kind__in=queries.FOR_PEOPLE) & mine
    return Case(When(todo, then=Value(True)), default=Value(False))


@workspace.allowed("fulfillment.view_task")
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """The queue."""
    user = workspace.person(request)
    counts = [
        ("", "My teams", queries.mine_and_my_teams(user).count()), ("mine", "Mine", queries.mine(user).count()),
        ("free", "Free", queries.free(user).count()),
        ("people", "All", queries.people_tasks(user).filter(state__in=queries.OPEN).count()),
    ]  # fmt: skip
    context = {
        "views": counts,
        "pause": maintenance.current(),
        "whose": request.GET.get("whose", ""),
        "may_assign": user.has_perm(assignment.ASSIGN),
    }
    return tables.show(request, Tasks, "fulfillment/tasks.html", context)


@workspace.allowed("fulfillment.view_task")
@require_safe
def everybody(request: HttpRequest) -> HttpResponse:
    """The same list with all people's tasks."""
    return htmx.go(request, f"{reverse('fulfillment:task_list')}?whose=people")

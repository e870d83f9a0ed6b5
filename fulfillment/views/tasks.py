"""The task queue: mine and my teams' first, taken one by one or many at once."""

from typing import Any

from django.core.exceptions import BadRequest
from django.db.models import Case, Q, Value, When
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from fulfillment import assignment, maintenance, queries, taskwork
from fulfillment.models import Kind, Task
from kernel import htmx, tables, workspace
from kernel.models import User
from kernel.refusal import Refusal

BEST = "best"  # whoever fits best by team, skill and open work
MOST = 200  # tasks taken at once


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
            ("mine", "Mine"), ("free", "Free in my teams"), ("people", "All people’s"),
            ("all", "All, also the system’s"),
        ],
    )  # fmt: skip
    state = tables.Choices(choices=Task.State.choices, empty_label="Open")
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
    ticks = tables.Ticks("task", "claim")
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
    """Whether this person may do something with a row: it is to do, and free, their own, or theirs to assign."""
    mine = Q() if user.has_perm("fulfillment.assign_task") else Q(assignee=None) | Q(assignee=user)
    todo = Q(state__in=queries.TO_DO, kind__in=queries.FOR_PEOPLE) & mine
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
        "may_work": user.has_perm("fulfillment.work_task"),
        "may_assign": user.has_perm("fulfillment.assign_task"),
        "best": BEST,
        "workers": assignment.workers() if user.has_perm("fulfillment.assign_task") else [],
    }
    return tables.show(request, Tasks, "fulfillment/tasks.html", context)


@workspace.allowed("fulfillment.view_task")
@require_safe
def everybody(request: HttpRequest) -> HttpResponse:
    """The same list with all people's tasks."""
    return htmx.go(request, f"{reverse('fulfillment:task_list')}?whose=people")


@workspace.allowed("fulfillment.work_task")
@require_POST
def claim(request: HttpRequest) -> HttpResponse:
    """Take the ticked tasks; those that somebody else has are named."""
    user = workspace.person(request)
    result = taskwork.claim_many(_ticked(request, user), user)
    said = f"{len(result.done)} {'task is' if len(result.done) == 1 else 'tasks are'} yours."
    if result.refused:
        said += f" Not taken: {', '.join(result.refused.values())}."
    return htmx.go(request, f"{reverse('fulfillment:task_list')}?whose=mine", toast=said)


@workspace.allowed("fulfillment.assign_task")
@require_POST
def assign(request: HttpRequest) -> HttpResponse:
    """Give the ticked tasks to a person, or to those who fit best by skill and load."""
    user, key = workspace.person(request), request.POST.get("assignee", "")
    if key == BEST:
        shared = assignment.share(_ticked(request, user), user)
        said = ", ".join(f"{person} has {count} more" for person, count in shared.given.items()) or "Nobody got one"
        left = ", ".join(f"{count} {why}" for why, count in shared.left.items())
        to = f"{reverse('fulfillment:task_list')}?whose=people"
        return htmx.go(request, to, toast=f"{said}.{f' Left: {left}.' if left else ''}")
    found = User.objects.filter(pk=int(key), is_active=True).first() if key.isdecimal() and len(key) < 10 else None
    if found is None:
        raise Refusal("Choose who gets the tasks.")
    result = taskwork.assign_many(_ticked(request, user), found, user)
    said = f"{found} has {len(result.done)} more {'task' if len(result.done) == 1 else 'tasks'}."
    if result.refused:
        said += f" Not given: {', '.join(result.refused.values())}."
    return htmx.go(request, f"{reverse('fulfillment:task_list')}?whose=people", toast=said)


def _ticked(request: HttpRequest, user: User) -> list[int]:
    asked = request.POST.getlist("task")
    if not asked or len(asked) > MOST or not all(pk.isdecimal() and len(pk) < 19 for pk in asked):
        raise BadRequest(f"Tick between one and {MOST} tasks.")
    return list(Task.objects.visible_to(user).filter(pk__in=asked).values_list("pk", flat=True))

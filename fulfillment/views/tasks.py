"""The task queue: mine and my teams' first, taken one by one or many at once."""

from typing import Any

import django_filters
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST, require_safe

from fulfillment import queries, taskwork
from fulfillment.models import Kind, Task
from kernel import htmx, tables, workspace
from kernel.models import User

MOST = 200  # tasks taken at once


class Tick(tables.Column):
    """A box that marks the row for taking; only rows that can be taken have one."""

    def shown(self, value: Any, record: Any) -> Any:
        if record.assignee_id or record.state not in queries.TO_DO or record.kind not in queries.FOR_PEOPLE:
            return ""
        box = '<input type="checkbox" name="task" value="{}" form="claim" aria-label="{}">'
        return format_html(box, record.pk, f"Select {record.number}")


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
    state = tables.Pill(loud=lambda task: task.in_fallout, optional=True)
    assignee = tables.Avatar(order_by="assignee__last_name", optional=True)
    team = tables.Text(optional=True)
    planned_end = DueDay(verbose_name="Due")
    take = Tick(verbose_name="Take", orderable=False, accessor="pk", css="n tick col-opt")


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
    team = django_filters.CharFilter(lookup_expr="iexact", label="Team")

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
    empty = tables.Empty(
        "checkbox", "Nothing for you to do", "Tasks land here when an order reaches a step that you or your teams do.",
        "Look at all people’s tasks", "fulfillment:task_all",
    )  # fmt: skip

    def rows(self) -> Any:
        """Narrowed to the usual view wherever the reader chose nothing else."""
        user, asked = workspace.person(self.request), self.request.GET
        found = Task.objects.visible_to(user) if asked.get("whose") else queries.mine_and_my_teams(user)
        return found if asked.get("state") else found.filter(state__in=queries.OPEN)


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
        "whose": request.GET.get("whose", ""),
        "may_work": user.has_perm("fulfillment.work_task"),
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


def _ticked(request: HttpRequest, user: User) -> list[int]:
    asked = request.POST.getlist("task")
    if not asked or len(asked) > MOST or not all(pk.isdecimal() and len(pk) < 19 for pk in asked):
        raise BadRequest(f"Tick between one and {MOST} tasks.")
    return list(Task.objects.visible_to(user).filter(pk__in=asked).values_list("pk", flat=True))

"""Who may do what with tasks, projects and plans; where they stand in the frame."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Min, Q
from django.urls import reverse
from django.utils import timezone

from fulfillment import drawing, execution, queries, taskwork
from fulfillment.models import Flow, Kind, Project, Task
from kernel import finding, frame, home, moving, roles, states
from kernel.models import User
from kernel.states import Look
from kernel.templatetags.trunkline import distance

SEES = ("fulfillment.view_flow", "fulfillment.view_task", "fulfillment.view_project", "fulfillment.view_workorder")
READS_PLANS = ("fulfillment.view_plandefinition", "fulfillment.view_planitem")

for _role in (
    "order_agent", "order_fulfilment_agent", "order_manager", "order_approver", "fulfilment_manager", "fallout_agent",
    "fallout_manager", "process_admin", "service_agent",
):  # fmt: skip
    roles.grant(_role, *SEES)
for _role in ("order_fulfilment_agent", "fulfilment_manager", "technician"):
    roles.grant(_role, "fulfillment.view_task", "fulfillment.view_workorder", "fulfillment.work_task")
for _role in ("order_fulfilment_agent", "fulfilment_manager"):
    roles.grant(_role, "fulfillment.run_project", "fulfillment.skip_task", "fulfillment.hold_flow", *READS_PLANS)
roles.grant("fulfilment_manager", "fulfillment.assign_task", "fulfillment.change_project")
roles.grant("order_manager", "fulfillment.hold_flow", *READS_PLANS)
for _role in ("process_admin", "fulfilment_manager"):
    roles.grant(_role, "fulfillment.view_learnedduration")
roles.grant(
    "process_admin", *READS_PLANS, "fulfillment.publish_plan", "fulfillment.add_plandefinition",
    "fulfillment.change_plandefinition", "fulfillment.add_planitem", "fulfillment.change_planitem",
    "fulfillment.delete_planitem", "fulfillment.view_plandependency", "fulfillment.add_plandependency",
    "fulfillment.change_plandependency", "fulfillment.delete_plandependency", "fulfillment.view_projecttemplate",
    "fulfillment.add_projecttemplate", "fulfillment.change_projecttemplate",
)  # fmt: skip
for _role in ("order_manager", "fulfilment_manager", "fallout_manager", "process_admin"):
    roles.grant(_role, "fulfillment.view_pause", "fulfillment.view_capacity", "fulfillment.view_breaker")
roles.grant("fulfilment_manager", "fulfillment.pause_engine")
roles.grant(
    "process_admin", "fulfillment.pause_engine", "fulfillment.add_capacity", "fulfillment.change_capacity",
    "fulfillment.delete_capacity",
)  # fmt: skip


def _actions(user: User) -> Iterable[home.Action]:
    today = timezone.localdate()
    rows = queries.mine_and_my_teams(user).filter(state__in=queries.TO_DO)

    def tell(task: Task) -> home.Action:
        due = task.planned_end
        tone = "bad" if due and due < today else "risk" if due == today else "run" if task.assignee_id else "wait"
        return home.Action(
            text=task.name, url=task.get_absolute_url(), number=task.flow.root_number, icon=drawing.ICONS[task.kind],
            detail=", ".join(filter(None, [str(task.account), task.flow.site.name if task.flow.site else ""])),
            tone=tone, due=distance(due) if due else "", due_detail="due" if due else "",
            word="Go on" if task.assignee_id == user.pk else "Open it", at=due,
        )  # fmt: skip

    def rest(count: int) -> home.Action:
        return home.Action(
            text=f"{count} more task" if count == 1 else f"{count} more tasks", detail="yours and your teams’",
            url=reverse("fulfillment:task_list"), icon="list-check", tone="idle", word="Show", stands_for=count,
        )  # fmt: skip

    ordered = rows.select_related("flow__site", "account").order_by("planned_end", "pk")
    yield from home.worst(ordered, tell, rest)


def _unassigned(user: User) -> Iterable[home.Action]:
    """Work of each other team that nobody has taken, the team whose work is due first at the top."""
    today, url = timezone.localdate(), reverse("fulfillment:task_list")
    rows = queries.people_tasks(user).filter(assignee=None, state=Task.State.READY).exclude(team__in=user.teams)
    for team in rows.order_by().values("team").annotate(count=Count("pk"), due=Min("planned_end")).order_by("due")[:5]:
        due, count = team["due"], team["count"]
        text = f"{count} task is without anybody" if count == 1 else f"{count} tasks are without anybody"
        yield home.Action(
            text=text,
            url=f"{url}?{urlencode({'whose': 'nobody', 'team': team['team'], 'state': 'ready'})}",
            detail=team["team"] or "no team", icon="user-plus",
            tone="bad" if due and due < today else "risk" if due == today else "idle",
            due=distance(due) if due else "", due_detail="the first is due" if due else "", word="Assign", at=due,
        )  # fmt: skip


def _figures(user: User) -> Iterable[home.Figure]:
    url = reverse("fulfillment:task_list")
    yield home.Figure("My tasks", str(queries.mine(user).count()), f"{url}?whose=mine", "taken by you")
    yield home.Figure("Free in my teams", str(queries.free(user).count()), f"{url}?whose=free", "nobody has them")


NUMBER = re.compile(r"[A-Za-z]{2,3}\d{7,}", re.ASCII)  # of a task, or of whose work it is


def _tasks(rows: Any, sought: finding.Sought) -> Iterable[Any]:
    """By their number, or open ones by the number of whose work they are."""
    if NUMBER.fullmatch(sought.text):
        number = sought.text.upper()
        yield rows.filter(number=number)
        yield rows.filter(flow__root_number=number, state__in=queries.OPEN)


def _tell_task(task: Task) -> finding.Found:
    place = task.flow.site.name if task.flow.site else ""
    return finding.Found(task.name, task.get_absolute_url(), place, task.number, "checkbox")


def _projects(rows: Any, sought: finding.Sought) -> Iterable[Any]:
    """By number, name or the number of the order."""
    number = sought.text.upper()
    yield rows.filter(Q(number=number) | Q(root_number=number) | sought.within("name"))


def _tell_project(project: Project) -> finding.Found:
    return finding.Found(project.name, project.get_absolute_url(), project.account.name, project.number, "truck")


frame.add(
    frame.NavItem(
        "Deliver", "My tasks", "list-check", "fulfillment:task_list", "fulfillment.view_task", 25,
        count=lambda user: queries.mine(user).count(),
    ),
    frame.NavItem(
        "Deliver", "Projects", "truck", "fulfillment:project_list", "fulfillment.view_project", 40,
        count=lambda user: queries.running_projects(user).count(),
    ),
    frame.NavItem("Run", "Engine", "activity", "fulfillment:engine", "fulfillment.view_pause", 60),
    frame.NavItem("Process", "Plans", "git-branch", "fulfillment:plan_list", "fulfillment.view_plandefinition", 30),
    frame.NavItem("Process", "Durations", "clock", "fulfillment:duration_list", "fulfillment.view_learnedduration", 40),
)  # fmt: skip
frame.add_new(frame.NewItem("Plan", "git-branch", "fulfillment:plan_new", "fulfillment.add_plandefinition", 90))
home.next_actions("fulfillment.work_task", _actions)
home.next_actions("fulfillment.assign_task", _unassigned)
home.figures("fulfillment.work_task", _figures, order=10)
finding.register(
    "Tasks", "list-check", "fulfillment.view_task", order=50, ways=_tasks, tell=_tell_task,
    rows=lambda user: Task.objects.visible_to(user).select_related("flow__site").order_by("-pk"),
)  # fmt: skip
finding.register(
    "Projects", "truck", "fulfillment.view_project", order=70, ways=_projects, tell=_tell_project,
    rows=lambda user: Project.objects.visible_to(user).select_related("account").order_by("-pk"),
)  # fmt: skip
moving.register(
    Task,
    start=lambda pk, by, reason: taskwork.start(pk, by),
    complete=lambda pk, by, reason: taskwork.complete(pk, by),
    hold=taskwork.hold,
    resume=lambda pk, by, reason: taskwork.resume(pk, by),
    await_information=taskwork.await_information,
    informed=lambda pk, by, reason: taskwork.informed(pk, by),
    fail=taskwork.report,
    skip=taskwork.skip,
)
moving.register(
    Flow,
    hold=execution.hold_flow,
    resume=execution.resume_flow,
)
states.add({f"kind.{kind}": Look(drawing.ICONS[kind], str(label), "idle") for kind, label in Kind.choices})

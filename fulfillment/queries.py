"""Questions about tasks: whose they are, what they wait for, how far the projects are."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.urls import NoReverseMatch, reverse

from fulfillment.models import Flow, Kind, Project, Task, TaskDependency
from kernel.models import User

FOR_PEOPLE = (Kind.MANUAL, Kind.FIELD_WORK, Kind.WAIT_EVENT)
OPEN = (
    Task.State.READY, Task.State.IN_PROGRESS, Task.State.ON_HOLD, Task.State.AWAITING_INFORMATION, Task.State.FAILED,
)  # fmt: skip
TO_DO = (Task.State.READY, Task.State.IN_PROGRESS)
PAGES = {"orders.order": ("orders:order", "orders.view_order")}  # a root's page and who may see it, by name only


def people_tasks(user: User) -> QuerySet[Any]:
    """Tasks that people do and this person may see."""
    found: QuerySet[Any] = Task.objects.visible_to(user).filter(kind__in=FOR_PEOPLE)
    return found


def mine(user: User) -> QuerySet[Any]:
    """Open tasks that this person has taken."""
    return people_tasks(user).filter(assignee=user, state__in=OPEN)


def free(user: User) -> QuerySet[Any]:
    """Tasks of this person's teams that nobody has taken."""
    return people_tasks(user).filter(assignee__isnull=True, team__in=user.teams, state__in=OPEN)


def mine_and_my_teams(user: User) -> QuerySet[Any]:
    """What a person's queue shows first."""
    own = Q(assignee=user) | Q(team__in=user.teams)
    return people_tasks(user).filter(own, state__in=OPEN)


def root_url(flow: Flow, user: User) -> str:
    """The page of what people call the flow's root by, if there is one that this person may see."""
    try:
        name, permission = PAGES[flow.root_type]
        return reverse(name, args=[flow.root_number]) if user.has_perm(permission) else ""
    except (KeyError, NoReverseMatch):
        return ""


@dataclass(frozen=True)
class Link:
    """One dependency in words."""

    task: Task
    words: str
    met: bool


WORDS = {
    "FS": "has to be finished",
    "SS": "has to have started",
    "FF": "finishes first",
    "SF": "starts before this ends",
}


def waits_for(task: Task) -> list[Link]:
    """What has to happen before, open things first."""
    rows = TaskDependency.objects.filter(after=task).select_related(
        "before__flow__site", "before__assignee", "before__forecast"
    )
    found = [Link(row.before, WORDS[row.kind], row.met_at is not None) for row in rows.order_by("met_at", "id")]
    return sorted(found, key=lambda link: link.met)


def holds_back(task: Task) -> list[Task]:
    """Tasks that wait for this one."""
    rows = Task.objects.filter(dependencies__before=task, dependencies__met_at__isnull=True)
    return list(rows.select_related("flow__site", "forecast").order_by("pk").distinct()[:12])


def of_root(root_type: str, root_id: int) -> list[tuple[str, int, int]]:
    """(state, tasks, of them in fallout) of a root."""
    rows = Task.objects.filter(flow__root_type=root_type, flow__root_id=root_id).values("state")
    counted = rows.annotate(n=Count("pk"), bad=Count("pk", filter=~Q(problem=""))).order_by("state")
    return [(row["state"], row["n"], row["bad"]) for row in counted]


def with_progress(projects: QuerySet[Any]) -> QuerySet[Any]:
    """Projects with how many of their tasks are done."""
    done = Count("tasks", filter=Q(tasks__done_at__isnull=False))
    found: QuerySet[Any] = projects.annotate(steps=Count("tasks"), done=done)
    return found


def running_projects(user: User) -> QuerySet[Any]:
    """Projects under way that this person may see."""
    found: QuerySet[Any] = Project.objects.visible_to(user).filter(state__in=["in_progress", "on_hold"])
    return found


def urgency(priority: int) -> str:
    """A priority as people say it."""
    return "critical" if priority >= 80 else "high" if priority >= 60 else "medium" if priority >= 40 else "low"

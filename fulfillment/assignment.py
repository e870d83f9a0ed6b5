"""Assignment: who should have a task, by skill and open load; given by itself where the team wants it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Case, Count, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from fulfillment import queries
from fulfillment.models import Task, TaskTeam, WorkOrder
from kernel import audit, notifications
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted

BATCH = 500
MOST = 300  # people who are compared
ASSIGN = "fulfillment.assign_task"


@dataclass(frozen=True)
class Candidate:
    """One person who could have a task, and why they stand where they stand."""

    person: User
    skilled: bool
    load: int
    in_team: bool
    skill: str = ""

    @property
    def words(self) -> str:
        """Why, in words."""
        said = []
        if self.skill:
            said.append(f"knows {self.skill}" if self.skilled else f"does not know {self.skill}")
        said.append(f"{self.load} open" if self.load else "nothing open")
        if not self.in_team:
            said.append("another team")
        return ", ".join(said)


def candidates(task: Task) -> list[Candidate]:
    """People who work on tasks, the best first: in the team, with the skill, with the least open work."""
    return [candidate(person) for person in ranked(task)[:MOST]]


def ranked(task: Task) -> QuerySet[User]:
    """People who work on tasks, those first who suit this one, each with what `candidate` says of them."""
    skill = task.item.skill
    team, knows = Q(teams__contains=[task.team]), Q(skills__contains=[skill])
    theirs = Task.objects.filter(assignee=OuterRef("pk"), state__in=queries.OPEN).order_by().values("assignee")
    rows = may_work().annotate(
        in_team=Case(When(team, then=True), default=False),
        skilled=Case(When(knows, then=True), default=False) if skill else Value(True),
        load=Coalesce(Subquery(theirs.annotate(n=Count("pk")).values("n")), 0), skill=Value(skill),
    )  # fmt: skip
    return rows.order_by("-in_team", "-skilled", "load", "last_name", "first_name", "pk")


def candidate(person: Any) -> Candidate:
    """How one of the ranked people suits."""
    return Candidate(person, person.skilled, person.load, person.in_team, person.skill)


def suggested(task: Task) -> Candidate | None:
    """Who should have it: somebody of its team, with its skill if it asks for one."""
    best = next(map(candidate, ranked(task)[:1]), None)
    return best if best and best.in_team and best.skilled else None


@transaction.atomic
def assign_free() -> int:
    """Give free tasks of teams that want it to their people, by skill and load. Returns how many were given.

    A task whose skill nobody in the team has, or for which everybody is full, stays free in the queue.
    """
    teams = {row.name: row for row in TaskTeam.objects.filter(auto_assign=True)}
    if not teams:
        return 0
    rows = Task.objects.filter(
        kind__in=queries.FOR_PEOPLE, state=Task.State.READY, assignee=None, team__in=teams, item__adapter=""
    )
    tasks = list(
        rows.select_related("item", "flow")
        .select_for_update(skip_locked=True, of=("self",))
        .order_by("-priority", "id")[:BATCH]
    )
    if not tasks:
        return 0
    return sum(len(theirs) for theirs in _share(tasks, teams, None).values())


@transaction.atomic
def give_best(task_id: int, by: User) -> Task:
    """Give one free task to whoever of its team fits best, by skill and open work; `tell` says it to them.

    Raises:
        NotPermitted: the person may not assign tasks to others.
        Conflict: somebody has it, it is closed, or nobody of the team has the skill and room.
    """
    if not by.has_perm(ASSIGN):
        raise NotPermitted("Your roles do not include the right to assign tasks to others.")
    task: Task = Task.objects.select_related("item", "flow", "assignee").locked(task_id)
    if task.state in Task.CLOSED or task.kind not in queries.FOR_PEOPLE:
        raise Conflict(f"There is nothing for a person to do any more in {task.number}.")
    if task.assignee is not None:
        raise Conflict(f"{task.assignee} has {task.number} already.")
    best = _best(task, TaskTeam.objects.filter(name=task.team).first(), workers(), _loads())
    if best is None:
        raise Conflict(f"Nobody of {task.team or 'its team'} has the skill and room for {task.number}.")
    _own(best, [task], by)
    return task


def tell(task_ids: Iterable[int], by: User) -> None:
    """Tell people once of all tasks that were given to them."""
    rows = Task.objects.filter(pk__in=list(task_ids), assignee__isnull=False).exclude(assignee=by)
    given: dict[User, list[Task]] = defaultdict(list)
    for task in rows.select_related("assignee", "flow").order_by("assignee", "pk"):
        if task.assignee is not None:
            given[task.assignee].append(task)
    for person, tasks in given.items():
        _tell(person, tasks, f"{by} gave you ")


def _share(tasks: list[Task], teams: dict[str, TaskTeam], by: User | None) -> dict[User, list[Task]]:
    """Give tasks, the most urgent first, each to the best person who has room; loads grow as they are given."""
    staff, loads = workers(), _loads()
    given: dict[User, list[Task]] = defaultdict(list)
    for task in sorted(tasks, key=lambda one: (-one.priority, one.pk)):
        best = _best(task, teams.get(task.team), staff, loads)
        if best is not None:
            loads[best.pk] = loads.get(best.pk, 0) + 1
            given[best].append(task)
    for person, theirs in sorted(given.items(), key=lambda pair: pair[0].pk):
        _give(person, theirs, by)
    return dict(given)


def _best(task: Task, team: TaskTeam | None, workers: list[User], loads: dict[int, int]) -> User | None:
    for one in _ranked(task.team, task.item.skill, workers, loads):
        if not one.in_team or not one.skilled:
            return None
        if team is None or team.most_open is None or one.load < team.most_open:
            return one.person
    return None


def _give(person: User, tasks: list[Task], by: User | None) -> None:
    _own(person, tasks, by)
    _tell(person, tasks)


def _own(person: User, tasks: list[Task], by: User | None) -> None:
    keys = [task.pk for task in tasks]
    Task.objects.filter(pk__in=keys).update(assignee=person)
    WorkOrder.objects.filter(task__in=keys).update(technician=person)
    audit.record_many("assigned", tasks, by=by, changes={"assignee": [None, str(person)]})


def _tell(person: User, tasks: list[Task], lead: str = "") -> None:
    """One notice for all of them; `lead` names who gave them."""
    first = tasks[0]
    text = f"{first.name} ({first.flow.root_number})" if len(tasks) == 1 else f"{len(tasks)} tasks"
    url = first.get_absolute_url() if len(tasks) == 1 else "/tasks/?whose=mine"
    said = f"{lead}{text}" if lead else f"{text} {'is' if len(tasks) == 1 else 'are'} yours"
    notifications.tell([person], said, url, event="task")


def workers() -> list[User]:
    """People who work on tasks."""
    return list(may_work().order_by("last_name", "first_name", "pk")[:MOST])


def may_work() -> QuerySet[User]:
    """The same, to be narrowed."""
    theirs = User.objects.filter(groups__permissions__codename="work_task").values("pk")
    return User.objects.filter(is_active=True, pk__in=theirs)


def _loads() -> dict[int, int]:
    rows = Task.objects.filter(assignee__isnull=False, state__in=queries.OPEN).order_by()
    return dict(rows.values_list("assignee").annotate(Count("pk")))


def _ranked(team: str, skill: str, workers: Iterable[User], loads: dict[int, int]) -> list[Candidate]:
    """As `ranked`, of people at hand in the order of `workers`, whose loads grow while many tasks are given."""
    found = [
        Candidate(person, not skill or skill in person.skills, loads.get(person.pk, 0), team in person.teams, skill)
        for person in workers
    ]
    return sorted(found, key=lambda one: (not one.in_team, not one.skilled, one.load))


@dataclass(frozen=True)
class Queue:
    """One team's queue: what is open, who works it off, how."""

    name: str
    open: int
    free: int
    people: list[tuple[User, int]]
    auto_assign: bool
    most_open: int | None
    skills: list[str]


def overview() -> list[Queue]:
    """Teams with open tasks or with people, each with the load of its people."""
    rows = Task.objects.filter(kind__in=queries.FOR_PEOPLE, state__in=queries.OPEN).exclude(team="").order_by()
    counted = rows.values("team").annotate(n=Count("pk"), free=Count("pk", filter=Q(assignee=None)))
    counts = {row["team"]: row for row in counted}
    wanted = rows.exclude(item__skill="").values_list("team", "item__skill").distinct()
    skills: dict[str, list[str]] = defaultdict(list)
    for team, skill in wanted:
        skills[team].append(skill)
    agreed = {row.name: row for row in TaskTeam.objects.all()}
    staff, loads = workers(), _loads()
    names = {*counts, *agreed, *(team for person in staff for team in person.teams)}
    return [
        Queue(
            name=name, open=counts.get(name, {}).get("n", 0), free=counts.get(name, {}).get("free", 0),
            people=sorted(
                ((person, loads.get(person.pk, 0)) for person in staff if name in person.teams),
                key=lambda pair: (-pair[1], str(pair[0])),
            ),
            auto_assign=bool(agreed.get(name) and agreed[name].auto_assign),
            most_open=agreed[name].most_open if name in agreed else None, skills=sorted(skills[name]),
        )
        for name in sorted(names)
    ]  # fmt: skip

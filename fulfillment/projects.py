"""Projects: special work beside an order, made from a template when its task begins."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.utils import timezone

from fulfillment import events, release
from fulfillment.models import Project, ProjectTask, ProjectTemplate, Task
from fulfillment.trouble import Trouble
from kernel import audit, lifecycle, numbering, outbox, workdays
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted


def begin(tasks: Iterable[Task]) -> dict[int, Trouble]:
    """Make and start the projects of tasks that became ready. Returns the tasks whose template does not exist."""
    tasks = list(tasks)
    if not tasks:
        return {}
    templates = {row.key: row for row in ProjectTemplate.objects.filter(key__in={t.item.template for t in tasks})}
    troubles = {
        task.pk: Trouble("data", "No such project template", f"There is no project template “{task.item.template}”.")
        for task in tasks
        if task.item.template not in templates
    }
    wanted = [task for task in tasks if task.pk not in troubles]
    numbers = numbering.take_many(Project.PREFIX, len(wanted)) if wanted else []
    made = [_project(task, templates[task.item.template], number) for task, number in zip(wanted, numbers, strict=True)]
    Project.objects.bulk_create(made, ignore_conflicts=True)
    stored = list(Project.objects.filter(task__in=wanted, tasks__isnull=True).select_related("template"))
    calendar = workdays.calendar()
    steps = [step for project in stored for step in _steps(project, calendar)]
    ProjectTask.objects.bulk_create(steps)
    for project in stored:
        ends = [s.planned_end for s in steps if s.project_id == project.pk and s.planned_end]
        project.baseline_end = max(ends, default=None)
    Project.objects.bulk_update(stored, ["baseline_end"])
    started = lifecycle.move_many(Project.objects.filter(pk__in=[p.pk for p in stored]), Project.start, by=None)
    outbox.publish_all([events.ProjectStarted(project_id=pk) for pk in started])
    return troubles


def _project(task: Task, template: ProjectTemplate, number: str) -> Project:
    flow = task.flow
    return Project(
        number=number, name=f"{task.name}: {flow.site.name}" if flow.site else task.name, template=template, task=task,
        account_id=flow.account_id, site=flow.site, root_number=flow.root_number, budget=_budget(flow.data, template),
    )  # fmt: skip


def _budget(data: dict[str, Any], template: ProjectTemplate) -> Decimal:
    try:
        cost = Decimal(str(data.get("build_cost") or 0))
    except InvalidOperation:
        cost = Decimal(0)
    return (cost * template.budget_share / 100).quantize(Decimal("0.01"))


def _steps(project: Project, calendar: workdays.Calendar) -> list[ProjectTask]:
    """One after the other, each over its working days."""
    steps: list[ProjectTask] = []
    day = calendar.next_workday(timezone.localdate())
    for phase in project.template.phases:
        for task in phase.get("tasks", ()):
            days = max(1, workdays.whole_days(task.get("days", 1)))
            end = calendar.add(day, days - 1)
            steps.append(
                ProjectTask(
                    project=project, phase=phase["name"], name=task["name"], position=len(steps) + 1,
                    team=task.get("team", ""), planned_start=day, planned_end=end,
                )
            )  # fmt: skip
            day = calendar.add(end, 1)
    return steps


@transaction.atomic
def finish_task(project_task_id: int, by: User | None) -> Project:
    """One task of a project is done; the last one completes the project and the task that waits for it.

    Raises:
        Conflict: it is done already, or the project is not running.
    """
    if by is not None and not by.has_perm("fulfillment.run_project"):
        raise NotPermitted("Your roles do not include the right to run projects.")
    project_id = ProjectTask.objects.values_list("project_id", flat=True).get(pk=project_task_id)
    parent = Project.objects.values_list("task_id", flat=True).get(pk=project_id)
    task: Task = Task.objects.locked(parent)
    project: Project = Project.objects.locked(project_id)
    if project.state != Project.State.IN_PROGRESS:
        raise Conflict(f"The project is {project.state.replace('_', ' ')}; resume it first.")
    if not ProjectTask.objects.filter(pk=project_task_id, done_at__isnull=True).update(
        done_at=timezone.now(), done_by=by
    ):
        raise Conflict("This was done already.")
    step = ProjectTask.objects.get(pk=project_task_id)
    audit.record("task_done", project, by=by, changes={"task": [None, step.name]})
    if not project.tasks.filter(done_at__isnull=True).exists():
        lifecycle.move(project, Project.complete, by=by)
        release.finish(Task.objects.filter(pk=task.pk), {}, by=by)
    return project


@transaction.atomic
def move(project_id: int, name: str, by: User, reason: str = "") -> Project:
    """Hold or resume a project. Raises IllegalMove, NotPermitted."""
    project: Project = Project.objects.locked(project_id)
    transition = lifecycle.transition_named(Project, name)
    if name not in ("hold", "resume"):
        raise lifecycle.IllegalMove("A project is only held or resumed by people.")
    lifecycle.move(project, transition, by=by, reason=reason)
    return project


def late(project: Project, today: dt.date) -> bool:
    """Whether its baseline has passed and it still runs."""
    return bool(project.baseline_end and project.baseline_end < today and project.state == Project.State.IN_PROGRESS)

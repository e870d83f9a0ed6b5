"""One task: what to do, how to finish it, what it waits for, what was tried."""

import json
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from catalog import answering, telling
from catalog.configuration import Field
from fulfillment import assignment, capacity, maintenance, queries, taskforms, taskwork
from fulfillment.forms.assigning import GiveForm
from fulfillment.models import Task
from kernel import htmx, records, workspace
from kernel.models import User
from kernel.picking import chosen
from kernel.refusal import Refusal
from kernel.views.records import back

VALUE = "value-"
SAID = {
    "claim": "{0} is yours.", "give_back": "{0} is free again.", "assign": "{0} has a new owner.",
    "start": "{0} is started.", "complete": "{0} is completed.", "tick": "",
    "hold": "{0} is on hold.", "resume": "{0} goes on.", "await": "{0} waits for information.",
    "informed": "{0} goes on.", "report": "{0} is in fallout now; somebody will mend it.", "skip": "{0} is skipped.",
}  # fmt: skip


@workspace.allowed("fulfillment.view_task")
@require_safe
def page(request: HttpRequest, number: str) -> HttpResponse:
    """The task's page."""
    return _page(request, _task(request, number))


@workspace.allowed("fulfillment.view_task")
@require_POST
def act(request: HttpRequest, number: str, name: str) -> HttpResponse:
    """One act; a refusal that names fields comes back with what was typed."""
    task, user = _task(request, number), workspace.person(request)
    if name not in SAID:
        raise BadRequest("There is no such act.")
    reason = request.POST.get("reason", "").replace("\x00", "")[:2000]
    typed = answering.listed(request.POST, VALUE)
    try:
        _do(name, task, user, typed, reason, request)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        return _page(request, task, opened=name, problems=refusal.problems, typed=typed, reason=reason)
    if name == "tick":  # the form stays open: nothing that was typed is lost
        task.ticked = [point for point in task.item.checklist if point in request.POST.getlist("point")]
        return _page(request, task, typed=typed, part="ticked")
    to = reverse("fulfillment:task_list") if name == "complete" and "queue" in request.POST else back(request)
    return htmx.go(request, to, toast=SAID[name].format(task.name))


def _do(name: str, task: Task, user: User, typed: dict[str, Any], reason: str, request: HttpRequest) -> None:
    points = request.POST.getlist("point")
    acts: dict[str, Any] = {
        "claim": lambda: taskwork.claim(task.pk, user),
        "give_back": lambda: taskwork.assign(task.pk, None, user),
        "assign": lambda: taskwork.assign(
            task.pk, chosen(GiveForm(request.POST, by=user, task=task), "assignee"), user
        ),
        "start": lambda: taskwork.start(task.pk, user),
        "complete": lambda: taskwork.complete(task.pk, user, typed, points),
        "tick": lambda: taskwork.tick(task.pk, user, points),
        "hold": lambda: taskwork.hold(task.pk, user, reason),
        "resume": lambda: taskwork.resume(task.pk, user),
        "await": lambda: taskwork.await_information(task.pk, user, reason),
        "informed": lambda: taskwork.informed(task.pk, user),
        "report": lambda: taskwork.report(task.pk, user, reason, request.POST.get("kind", "")),
        "skip": lambda: taskwork.skip(task.pk, user, reason),
    }
    acts[name]()


def _task(request: HttpRequest, number: str) -> Task:
    rows = Task.objects.visible_to(workspace.person(request))
    related = rows.select_related(
        "flow__site__contact", "flow__account", "flow__definition", "item", "assignee", "work_order"
    )
    task: Task = get_object_or_404(related, number=number)
    return task


def _page(
    request: HttpRequest, task: Task, *, opened: str = "", problems: dict[str, list[str]] | None = None,
    typed: dict[str, Any] | None = None, reason: str = "", part: str = "",
) -> HttpResponse:  # fmt: skip
    user, problems = workspace.person(request), problems or {}
    sheet = taskforms.sheet(task)
    fields = _fields(sheet, task, typed, problems)
    named = {field.key for field in fields} | {"checklist", "reason", "assignee"}
    by_person = task.kind in queries.FOR_PEOPLE
    context = {
        "stages": records.stages(task),
        "record": task, "title": task.name, "opened": opened, "problems": problems, "reason": reason, "fields": fields,
        "crumbs": [("Tasks", reverse("fulfillment:task_list"))], "root_url": queries.root_url(task.flow, user),
        "whole": [text for key, texts in problems.items() if key not in named for text in texts],
        "points": [(point, point in (request.POST.getlist("point") or task.ticked)) for point in task.item.checklist],
        "waits": queries.waits_for(task), "holds": queries.holds_back(task), "tries": _tries(task),
        "by_person": by_person, "mine": task.assignee_id == user.pk,
        "may_finish": by_person and task.state in queries.TO_DO and user.has_perm("fulfillment.work_task"),
        "why_not": _why_not(task, user), "visit": getattr(task, "work_order", None),
        "giving": _giving(request, task, opened), "pause": maintenance.current(),
        "urgency": queries.urgency(task.priority),
        "waits_because": capacity.why_waiting(task),
        **_told(task),
        "asks_in_turn": any(one.shown_when or one.required_when for one in sheet.asked) or bool(sheet.conditions),
    }  # fmt: skip
    return htmx.respond(request, "fulfillment/task.html", context, part=part, status=422 if problems else 200)


@workspace.allowed("fulfillment.view_task", "fulfillment.work_task")
@require_POST
def fields(request: HttpRequest, number: str) -> HttpResponse:
    """The fields that the values typed so far call for; nothing when they are the ones that are shown."""
    task = _task(request, number)
    asked = _fields(taskforms.sheet(task), task, answering.listed(request.POST, VALUE), {})
    if [one.key for one in asked] == request.POST.getlist("shown"):
        return HttpResponse(status=204)
    return htmx.respond(request, "fulfillment/task.html", {"record": task, "fields": asked}, part="fields")


def _fields(
    sheet: answering.Sheet, task: Task, typed: dict[str, Any] | None, problems: dict[str, list[str]]
) -> list[Field]:
    """The fields to draw, with what was typed kept; a wrong value is told once the form was sent."""
    values = taskforms.standing(task)
    if typed is not None:
        read = {one.key: answering.one(one, typed[one.key])[0] for one in sheet.asked if one.key in typed}
        values |= read
    return answering.fields(sheet, {one.key: values.get(one.key) for one in sheet.asked}, problems)


def _told(task: Task) -> dict[str, list[tuple[str, str]]]:
    """What the step needs and what it gave, as people read it."""
    inputs = {name: task.flow.data.get(name) for name in (str(name).rstrip("?") for name in task.item.inputs)}
    known, own = telling.of([*inputs, *task.result]), task.flow.specification_key
    asked = {str(entry.get("key")): str(entry.get("label") or "") for entry in task.item.form}
    given = [
        (asked.get(key) or name, text)
        for key, (name, text) in zip(task.result, known.told(task.result, own), strict=True)
    ]
    return {"inputs": known.told(inputs, own), "given": given}


def _why_not(task: Task, user: User) -> str:
    """Why this person cannot work on it now; empty when they can."""
    if task.state in Task.CLOSED:
        return "This task is closed."
    if task.in_fallout:
        return "This task is in fallout. It goes on when the fallout is resolved."
    if task.kind not in queries.FOR_PEOPLE:
        return "The system does this step by itself."
    if not user.has_perm("fulfillment.work_task"):
        return "Your roles do not include the right to work on tasks."
    if task.state == Task.State.PLANNED:
        return "It cannot start yet: other work comes first."
    if task.flow.state == "on_hold":
        return f"{task.flow.root_number} is on hold; nothing new starts."
    if task.assignee is not None and task.assignee != user and not user.has_perm("fulfillment.assign_task"):
        return f"{task.assignee} works on this task."
    return ""


def _giving(request: HttpRequest, task: Task, opened: str) -> GiveForm | None:
    """The form by which it is given to somebody, the best first, each with why."""
    user = workspace.person(request)
    if not user.has_perm(assignment.ASSIGN) or task.kind not in queries.FOR_PEOPLE or task.state in Task.CLOSED:
        return None
    return GiveForm(request.POST if opened == "assign" else None, by=user, task=task)


def _tries(task: Task) -> list[dict[str, Any]]:
    rows = list(task.tries.order_by("-number")[:20])
    return [
        {
            "row": row, "bad": row.outcome not in ("done", "accepted"),
            "seconds": f"{(row.ended_at - row.started_at).total_seconds():.1f} s" if row.ended_at else "",
            "request": json.dumps(row.request, indent=2, ensure_ascii=False),
            "response": json.dumps(row.response, indent=2, ensure_ascii=False) if row.response else "",
        }
        for row in rows
    ]  # fmt: skip

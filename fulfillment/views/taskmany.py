"""Many tasks at once: a preview with each row's own form, then completing, with an answer for each."""

from collections import defaultdict
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from catalog import answering
from fulfillment import completing
from fulfillment.models import Task
from kernel import htmx, workspace

TEMPLATE = "fulfillment/many.html"
RELATED = ("flow__site", "flow__account", "item", "assignee")


@workspace.allowed("fulfillment.view_task", "fulfillment.work_task")
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """What can be completed together, what cannot and why."""
    shown = completing.preview(_ticked(request), workspace.person(request))
    return htmx.respond(request, TEMPLATE, {"preview": shown})


@workspace.allowed("fulfillment.view_task", "fulfillment.work_task")
@require_POST
def complete(request: HttpRequest) -> HttpResponse:
    """Complete them; rows with wrong values come back as they were typed, the rest is done."""
    user, tasks = workspace.person(request), _ticked(request)
    ticked = {int(item) for item in request.POST.getlist("ticked") if item.isdecimal() and len(item) < 19}
    shown = completing.run(tasks, user, _typed(request), ticked=ticked)
    done = len(shown.done)
    if done and not shown.open:
        said = "1 task is completed." if done == 1 else f"{done} tasks are completed."
        return htmx.go(request, reverse("fulfillment:task_list"), toast=said)
    context = {"preview": shown, "tried": True, "ticked": ticked}
    return htmx.respond(request, TEMPLATE, context, status=422)


def _typed(request: HttpRequest) -> dict[int, dict[str, Any]]:
    """Values by task, from fields named value-TASK-KEY."""
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for name, given in answering.listed(request.POST, "value-").items():
        pk, dash, key = name.partition("-")
        if dash and pk.isdecimal() and len(pk) < 19:
            found[int(pk)][key] = given
    return found


def _ticked(request: HttpRequest) -> list[Task]:
    asked = request.POST.getlist("pick")
    if not asked or len(asked) > 500 or not all(pk.isdecimal() and len(pk) < 19 for pk in asked):
        raise BadRequest("Tick at least one task.")
    rows = Task.objects.visible_to(workspace.person(request)).filter(pk__in=asked)
    return list(rows.select_related(*RELATED).order_by("planned_end", "pk"))

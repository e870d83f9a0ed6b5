"""Teams and their queues: how much is open, who has it, and whether free tasks are given by themselves."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from fulfillment import assignment, teamwork
from kernel import htmx, workspace
from kernel.refusal import Refusal

TEMPLATE = "fulfillment/teams.html"


@workspace.allowed("fulfillment.view_task", "fulfillment.assign_task")
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The teams; posting changes how one of them is worked off."""
    problems: dict[str, list[str]] = {}
    name = request.POST.get("team", "")
    if request.method == "POST":
        try:
            teamwork.agree(
                name=name, auto_assign="auto_assign" in request.POST, most_open=request.POST.get("most_open", ""),
                by=workspace.person(request),
            )  # fmt: skip
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            problems = refusal.problems
        else:
            return htmx.go(request, "fulfillment:task_teams", toast=f"{name} is worked off as agreed.")
    context: dict[str, Any] = {"teams": assignment.overview(), "problems": problems, "asked": name}
    return htmx.respond(request, TEMPLATE, context, status=422 if problems else 200)

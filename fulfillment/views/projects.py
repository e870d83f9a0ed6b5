"""Projects: special work beside an order, by phase."""

from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from fulfillment import projects, queries
from fulfillment.models import Project, ProjectTask
from kernel import htmx, tables, workspace


class ProjectTable(tables.Table):
    """Columns of the list."""

    name = tables.Name(sub="number", verbose_name="Project")
    account = tables.Text(sub="site.name", verbose_name="Customer and site", order_by="account__name")
    root_number = tables.Text(verbose_name="Order", optional=True)
    state = tables.State()
    done = tables.Meter(total="steps", verbose_name="Done", orderable=False)
    budget = tables.Money(whole=True, optional=True)
    baseline_end = tables.Due(verbose_name="Ends")


class ProjectFilter(tables.Filters):
    """Filters of the list."""

    state = tables.States(Project)

    class Meta:
        model = Project
        fields = ["template"]


class Projects(tables.ListPage):
    """The list."""

    title = "Projects"
    model = Project
    table = ProjectTable
    filters = ProjectFilter
    search = ("number", "name", "root_number", "account__name", "site__name")
    search_label = "Project, order, site or customer"
    sort = "baseline_end"
    related = ("account", "site")
    empty = tables.Empty(
        "truck",
        "No projects",
        "A project begins by itself when an order needs special work, such as building fibre to a site.",
    )

    def rows(self) -> Any:
        """With how far each one is."""
        return queries.with_progress(Project.objects.visible_to(workspace.person(self.request)))


@workspace.allowed("fulfillment.view_project")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list."""
    return tables.show(request, Projects)


@workspace.allowed("fulfillment.view_project")
@require_safe
def page(request: HttpRequest, number: str) -> HttpResponse:
    """One project by phase."""
    project = _project(request, number)
    steps = list(project.tasks.select_related("done_by"))
    following = next((step.pk for step in steps if step.done_at is None), None)
    phases = [(name, list(rows)) for name, rows in groupby(steps, key=lambda step: step.phase)]
    user = workspace.person(request)
    context = {
        "record": project, "title": project.name, "phases": phases, "following": following, "steps": len(steps),
        "done": sum(step.done_at is not None for step in steps),
        "crumbs": [("Projects", reverse("fulfillment:project_list"))],
        "root_url": queries.root_url(project.task.flow, user), "late": projects.late(project, timezone.localdate()),
        "may_run": user.has_perm("fulfillment.run_project") and project.state == Project.State.IN_PROGRESS,
        "today": timezone.localdate(),
    }  # fmt: skip
    return htmx.respond(request, "fulfillment/project.html", context)


@workspace.allowed("fulfillment.run_project")
@require_POST
def done(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """One task of a project is done."""
    project = _project(request, number)
    step = get_object_or_404(ProjectTask, pk=pk, project=project)
    project = projects.finish_task(step.pk, by=workspace.person(request))
    ended = project.state == Project.State.COMPLETED
    said = f"{step.name} is done. The project is completed and the order goes on." if ended else f"{step.name} is done."
    return htmx.go(request, "fulfillment:project", number, toast=said)


def _project(request: HttpRequest, number: str) -> Project:
    rows = Project.objects.visible_to(workspace.person(request)).select_related(
        "account", "site", "task__flow", "template"
    )
    project: Project = get_object_or_404(rows, number=number)
    return project

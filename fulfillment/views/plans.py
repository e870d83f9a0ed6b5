"""Plans: definitions with their items and dependencies, as a table and as a graph."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog.models import Specification
from fulfillment import drawing
from fulfillment.models import Action, PlanDefinition
from fulfillment.shapes import PlanBook
from kernel import htmx, tables, workspace


class PlanTable(tables.Table):
    """Columns of the list."""

    name = tables.Name(sub="key", verbose_name="Plan")
    specification = tables.Text(
        accessor="specification__name", order_by="specification__name", sub="specification.get_kind_display"
    )
    action = tables.Text(accessor="get_action_display", order_by="action")
    condition = tables.Text(optional=True, orderable=False)
    version = tables.Number()
    state = tables.State()


class PlanFilter(tables.Filters):
    """Filters of the list."""

    state = tables.Choices(choices=PlanDefinition.State.choices)
    action = tables.Choices(choices=Action.choices)

    class Meta:
        model = PlanDefinition
        fields: list[str] = []


class Plans(tables.ListPage):
    """The list."""

    title = "Plans"
    lead = "what is done, in which order, when something is added, changed or ended"
    model = PlanDefinition
    table = PlanTable
    filters = PlanFilter
    search = ("key", "name", "specification__name", "specification__key")
    search_label = "Plan or specification"
    sort = "name"
    related = ("specification",)
    empty = tables.Empty(
        "git-branch", "No plans", "A plan says which steps bring a product, service or resource about."
    )


@workspace.allowed("fulfillment.view_plandefinition")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list."""
    return tables.show(request, Plans)


@workspace.allowed("fulfillment.view_plandefinition")
@require_safe
def page(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """One version of one plan."""
    rows = PlanDefinition.objects.visible_to(workspace.person(request)).select_related("specification")
    definition = get_object_or_404(rows, key=key, version=version)
    plan = PlanBook([definition]).plans[definition.pk]
    wanted = {row.before_specification for rows in plan.waits.values() for row in rows}
    names = dict(Specification.objects.filter(key__in=wanted).values_list("key", "name"))
    items = [(item, drawing.plain(item.duration_days), drawing.words(plan, item, names)) for item in plan.items]
    context = {
        "record": definition, "title": definition.name, "crumbs": [("Plans", reverse("fulfillment:plan_list"))],
        "items": items, "graph": drawing.graph(plan, names), "days": drawing.plain(drawing.days(plan)),
        "versions": PlanDefinition.objects.filter(key=key).order_by("-version"),
    }  # fmt: skip
    return htmx.respond(request, "fulfillment/plan.html", context)

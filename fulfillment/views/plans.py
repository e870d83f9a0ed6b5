"""Plans: definitions with their items and dependencies, as a table and as a graph; compared, and tried."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from catalog import telling
from catalog.models import Specification
from fulfillment import drawing, plancheck, plancompare, planfile, planmigration, plantrial
from fulfillment.models import Action, PlanDefinition
from fulfillment.shapes import PlanBook
from kernel import htmx, tables, workspace, writing
from kernel.money import plain
from kernel.refusal import Refusal


class PlanTable(tables.Table):
    """Columns of the list."""

    name = tables.Name(sub="key", verbose_name="Plan")
    specification = tables.Text(
        accessor="specification__name", order_by="specification__name", sub="specification.get_kind_display"
    )
    action = tables.Text(accessor="get_action_display", order_by="action")
    condition = tables.Text(optional=True, orderable=False)
    version = tables.Number()
    starts_on = tables.Day(verbose_name="Holds from")
    state = tables.State()


class PlanFilter(tables.Filters):
    """Filters of the list."""

    state = tables.States(PlanDefinition)
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
    new = tables.New("New plan", "fulfillment:plan_new", "fulfillment.add_plandefinition")
    empty = tables.Empty(
        "git-branch", "No plans", "A plan says which steps bring a product, service or resource about.", "New plan",
        "fulfillment:plan_new",
    )  # fmt: skip


@workspace.allowed("fulfillment.view_plandefinition")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list."""
    return tables.show(request, Plans)


@workspace.allowed("fulfillment.view_plandefinition")
@require_safe
def page(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """One version of one plan: drawing and steps."""
    definition = find(request, key, version)
    plan = PlanBook([definition]).plans[definition.pk]
    wanted = {row.before_specification for rows in plan.waits.values() for row in rows}
    names = dict(Specification.objects.filter(key__in=wanted).values_list("key", "name"))
    known = telling.of(drawing.key(name) for item in plan.items for name in (*item.inputs, *item.outputs))
    items = [
        (item, plain(item.duration_days), drawing.words(plan, item, names),
         *(drawing.named(values, known, definition.specification.key) for values in (item.inputs, item.outputs)))
        for item in plan.items
    ]  # fmt: skip
    context = frame(request, definition, "steps") | {
        "items": items, "graph": drawing.graph(plan, names), "days": plain(drawing.days(plan)),
        "problems": plancheck.soundness(planfile.dumped(plan), planfile.dump()) if is_draft(definition) else [],
    }  # fmt: skip
    return htmx.respond(request, "fulfillment/plan.html", context)


@workspace.allowed("fulfillment.view_plandefinition")
@require_safe
def compare(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """What this version says other than another one, the one before unless another is named."""
    definition = find(request, key, version)
    others = PlanDefinition.objects.filter(key=key).exclude(pk=definition.pk).select_related("specification")
    asked = request.GET.get("with", "")
    rows = others.order_by("-version")
    other = rows.filter(version=writing.whole(asked)).first()
    other = other or rows.filter(version__lt=version).first() or rows.first()
    context = frame(request, definition, "compare") | {"other": other, "others": rows}
    if other:
        old, new = sorted((other, definition), key=lambda row: row.version)
        found = plancompare.compare(planfile.entry(old), planfile.entry(new))
        context |= {"old": old, "new": new, "differences": found}
    return htmx.respond(request, "fulfillment/plan_compare.html", context)


@workspace.allowed("fulfillment.view_plandefinition")
@require_safe
def trial(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """What this version would come to for a sample, beside the version in force."""
    definition = find(request, key, version)
    samples = plantrial.samples(definition)
    asked = request.GET.get("flow", "")
    flow = next((row for row in samples if str(row.pk) == asked), samples[0] if samples and not asked else None)
    context = frame(request, definition, "trial") | {"samples": samples, "sample": flow}
    try:
        context["trial"] = plantrial.run(definition, flow, today=timezone.localdate())
    except Refusal as error:
        context["trouble"] = str(error)
    return htmx.respond(request, "fulfillment/plan_trial.html", context)


def find(request: HttpRequest, key: str, version: int) -> PlanDefinition:
    """A version that the person may see. Raises Http404."""
    rows = PlanDefinition.objects.visible_to(workspace.person(request)).select_related("specification")
    found: PlanDefinition = get_object_or_404(rows, key=key, version=version)
    return found


def is_draft(definition: PlanDefinition) -> bool:
    """Whether it may still change."""
    return bool(definition.state == PlanDefinition.State.DRAFT)


def frame(request: HttpRequest, definition: PlanDefinition, here: str) -> dict[str, Any]:
    """What every page of a plan shows around its content."""
    user = workspace.person(request)
    versions = list(PlanDefinition.objects.filter(key=definition.key).order_by("-version"))
    running = planmigration.candidates(definition).count()
    url = [definition.key, definition.version]
    tabs = [
        {"label": "Steps", "url": reverse("fulfillment:plan", args=url), "here": here == "steps"},
        {"label": "Try it", "url": reverse("fulfillment:plan_trial", args=url), "here": here == "trial"},
        {"label": "Compare", "url": reverse("fulfillment:plan_compare", args=url), "here": here == "compare"},
    ]
    if definition.state != PlanDefinition.State.RETIRED:
        move = reverse("fulfillment:plan_move", args=url)
        tabs.append({"label": "Running work", "url": move, "here": here == "move", "count": running})
    return {
        "record": definition, "title": definition.name, "crumbs": [("Plans", reverse("fulfillment:plan_list"))],
        "tabs": tabs, "versions": versions,
        "draft": next((row for row in versions if is_draft(row)), None), "running": running,
        "may_edit": is_draft(definition) and user.has_perm("fulfillment.change_plandefinition"),
        "may_draft": user.has_perm("fulfillment.add_plandefinition"),
        "may_publish": user.has_perm("fulfillment.publish_plan"),
    }  # fmt: skip

"""The order at work: its graph, its timeline and its tasks as a table, live and pressable."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from crm.models import Site
from fulfillment.models import Level, Task
from kernel import tables
from kernel.columns import Cell
from kernel.templatetags import trunkline as tags
from kernel.workspace import allowed, person
from orders import drawing, outlook, timeline
from orders.models import Order
from orders.views.jeopardy import LEVELS
from orders.views.page import LIVE, page_of, visible

ROOT = Order._meta.label_lower
DEPTHS = ("sites", "nodes", "tasks")


@allowed("orders.view_order")
@require_safe
def graph(request: HttpRequest, number: str) -> HttpResponse:
    """All sites, or domain orders or tasks of one site, as a graph; for the live page the drawing alone."""
    record = visible(request, number)
    sites = list(Site.objects.filter(order_lines__order=record).distinct().order_by("name"))
    asked, depth = request.GET.get("site", ""), request.GET.get("level", "")
    if depth not in DEPTHS:
        depth = "sites" if len(sites) > 1 and not asked else "nodes"
    site = None if asked == "0" else next((s for s in sites if str(s.pk) == asked), None) or _worst(record, sites)
    drawn = _drawn(record, depth, site.pk if site else None, everything="all" in request.GET)
    context = {"record": record, "drawing": drawn, "depth": depth, "site_key": site.pk if site else 0}
    if getattr(request, "htmx", False) and not request.htmx.boosted:  # type: ignore[attr-defined]
        return render(request, "orders/graph.html#live", context)
    fallen = outlook.fallen(record)
    failed = [t for t in fallen if depth == "sites" or t.flow.site_id == (site.pk if site else None)]
    context |= {"sites": sites, "site": site, "failed_here": failed, "live": record.state in LIVE}
    return page_of(request, record, "graph", "orders/graph.html", context)


def _drawn(record: Order, depth: str, site: int | None, *, everything: bool) -> drawing.Drawing:
    if depth == "sites":
        return drawing.sites(record)
    return (
        drawing.tasks(record, site, everything=everything) if depth == "tasks" else drawing.domain_orders(record, site)
    )


def _worst(record: Order, sites: list[Site]) -> Site | None:
    """The site to look at first: one with a failed task, else the one in the worst jeopardy, else an open one."""
    failed = {task.flow.site_id for task in outlook.fallen(record)}
    endangered = record.lines.filter(forecast__level__gt=0).order_by("-forecast__level", "-forecast__slip_days")
    worst = list(endangered.values_list("site", flat=True)[:1])
    open_sites = set(record.lines.exclude(state="completed").values_list("site", flat=True))
    return next(
        (s for wanted in (failed, worst, open_sites) for s in sites if s.pk in wanted), sites[0] if sites else None
    )  # fmt: skip


@allowed("orders.view_order")
@require_safe
def timeline_page(request: HttpRequest, number: str) -> HttpResponse:
    """Baseline, actual and expected dates on a calendar; for the live page the chart alone."""
    record = visible(request, number)
    made = timeline.of(record, opened=request.GET.get("site", ""), scale=request.GET.get("scale", ""))
    context: dict[str, Any] = {"record": record, "made": made, "scales": list(timeline.SCALES)}
    if getattr(request, "htmx", False) and not request.htmx.boosted:  # type: ignore[attr-defined]
        return render(request, "orders/timeline.html#live", context)
    context["live"] = record.state in LIVE
    return page_of(request, record, "timeline", "orders/timeline.html", context)


class LevelOfTask(tables.Column):
    """How badly a task threatens its plan."""

    newest_first = True

    def shown(self, value: Any, record: Any) -> Cell:
        forecast = getattr(record, "forecast", None)
        if forecast is None or not forecast.level:
            return "–"
        return tags.state_html(forecast.look, word=forecast.get_level_display())

    def plain_cells(self, column: Any, record: Any) -> list[Any]:
        forecast = getattr(record, "forecast", None)
        return [forecast.get_level_display() if forecast else ""]


class Room(tables.Number):
    """Working days before the order ends later."""

    newest_first = False

    def shown(self, value: Any, record: Any) -> Cell:
        forecast = getattr(record, "forecast", None)
        if forecast is None:
            return "–"
        return (
            format_html('<b class="strong">{}</b>', "critical") if forecast.critical else f"{forecast.slack:.0f} days"
        )


def _task_url(task: Any) -> str:
    return reverse("orders:task", args=[task.flow.root_number, task.number])


def _site(task: Any) -> str:
    return f"{task.number} · {task.flow.site.name if task.flow.site else 'shared by all sites'}"


class TaskTable(tables.Table):
    """Columns of the table."""

    name = tables.Name(url=_task_url, sub=_site, verbose_name="Task")
    state = tables.Pill(loud=lambda task: task.in_fallout and "fallout")
    assignee = tables.Avatar(order_by="assignee__last_name", optional=True, verbose_name="Owner")
    planned_end = tables.Date(verbose_name="Planned", optional=True)
    expected = tables.Date(accessor="forecast__ends_on", order_by=("forecast__ends_on",))
    room = Room(accessor="forecast__slack", order_by=("forecast__slack",), optional=True)
    jeopardy = LevelOfTask(accessor="forecast", order_by=("forecast__level",), optional=True)


class TaskFilter(tables.Filters):
    """Filters of the table."""

    state = tables.States(Task, empty_label="Open")
    path = tables.Choices(
        label="Path",
        method="by_path",
        choices=[("critical", "Critical path"), ("room", "With room")],
        empty_label="All",
    )
    level = tables.Choices(label="Jeopardy", choices=LEVELS, method="by_level")

    class Meta:
        model = Task
        fields: list[str] = []

    def by_path(self, rows: Any, name: str, value: str) -> Any:
        """Those that decide the end, or those that do not."""
        return rows.filter(forecast__critical=value == "critical")

    def by_level(self, rows: Any, name: str, value: str) -> Any:
        """Those of one level."""
        return rows.filter(forecast__level=Level[value.upper()])


class OrderTasks(tables.ListPage):
    """The tasks of one order; open ones unless a state is chosen."""

    title = "Tasks of the order"
    model = Task
    table = TaskTable
    filters = TaskFilter
    search = ("number", "name", "flow__site__name", "team")
    search_label = "Task, site or team"
    sort = "expected"
    related = ("flow__site", "assignee", "forecast")
    empty = tables.Empty("list-check", "No open task", "Tasks are planned when the order is approved.")

    def rows(self) -> Any:
        """Tasks of the order that this person may see, of one site if asked."""
        asked = self.request.GET
        found = Task.objects.visible_to(person(self.request)).filter(
            flow__root_type=ROOT, flow__root_id=self.scope["order"].pk
        )
        if asked.get("site", "").isdecimal() and len(asked["site"]) < 19:
            found = found.filter(flow__site=int(asked["site"]) or None)
        return found if asked.get("state") else found.exclude(state__in=Task.CLOSED)


@allowed("orders.view_order", "fulfillment.view_task")
@require_safe
def tasks(request: HttpRequest, number: str) -> HttpResponse:
    """The graph and the timeline as a table."""
    record = visible(request, number)
    crumbs = [("Orders", reverse("orders:order_list")), (record.title, record.get_absolute_url())]
    site = request.GET.get("site", "")
    place = Site.objects.filter(pk=int(site)).first() if site.isdecimal() and len(site) < 19 else None
    context = {"record": record, "trail": crumbs, "place": place}
    return tables.show(request, OrderTasks, "orders/tasks.html", context, order=record)

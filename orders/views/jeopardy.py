"""The list of orders whose promise is in danger: how badly, why, and whose they are."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from fulfillment.jeopardy import TABLE
from fulfillment.models import Level
from kernel import tables
from kernel.columns import Cell
from kernel.templatetags import trunkline as tags
from kernel.workspace import allowed, person
from orders import queries
from orders.models import Order

LEVELS = [(level.name.lower(), level.label) for level in reversed(Level) if level]


class LevelOf(tables.Column):
    """The level of an order in icon, word and colour; on time where nothing is in danger."""

    newest_first = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(accessor="forecast", order_by=("forecast__level",), css="nowrap", **kwargs)

    def shown(self, value: Any, record: Any) -> Cell:
        return level_html(record)

    def plain_cells(self, column: Any, record: Any) -> list[Any]:
        forecast = getattr(record, "forecast", None)
        return [forecast.get_level_display() if forecast else ""]


def level_html(order: Any) -> Cell:
    """The level of an order, loud from high on; a held order says that it is paused."""
    forecast = getattr(order, "forecast", None)
    if forecast is None or not forecast.level:
        return "–"
    loud = forecast.level >= Level.HIGH and not forecast.paused
    return tags.state_html(forecast.look, None, filled=loud, word=forecast.get_level_display())


class Slip(tables.Number):
    """Working days after the promise."""

    def shown(self, value: Any, record: Any) -> Cell:
        if not value:
            return "–"
        return f"{value:+d} day{'' if abs(value) == 1 else 's'}"


def _below(order: Any) -> str:
    return f"{order.number} · {order.account.name}"


def _paused(order: Any) -> str:
    return "paused: the order is held" if order.forecast.paused else ""


class JeopardyTable(tables.Table):
    """Columns of the list."""

    title = tables.Name(url="orders:order", arg="number", verbose_name="Order", order_by=("number",), sub=_below)
    level = LevelOf(sub=_paused)
    reason = tables.Text(accessor="forecast__reason", orderable=False, optional=True, css="reason")
    expected = tables.Date(accessor="forecast__expected_on", order_by=("forecast__expected_on",))
    promised_on = tables.Date(verbose_name="Promised", optional=True)
    slip = Slip(
        accessor="forecast__slip_days", order_by=("forecast__slip_days",), verbose_name="Against promise", optional=True
    )
    manager = tables.Avatar(verbose_name="Owner", order_by=("manager__last_name",), optional=True)


class JeopardyFilter(tables.Filters):
    """Filters of the list."""

    level = tables.Choices(label="Level", choices=LEVELS, method="by_level")
    manager = tables.Records("orders.manager", label="Owner")

    class Meta:
        model = Order
        fields: list[str] = []

    def by_level(self, rows: Any, name: str, value: str) -> Any:
        """Orders of one level."""
        return rows.filter(forecast__level=Level[value.upper()])


class Jeopardy(tables.ListPage):
    """The list."""

    title = "Jeopardy"
    lead = "promises in danger, and why"
    model = Order
    table = JeopardyTable
    filters = JeopardyFilter
    search = ("number", "title", "account__name", "forecast__reason")
    search_label = "Order, customer or reason"
    sort = "-level"
    empty = tables.Empty(
        "circle-check",
        "No promise is in danger",
        "Every order at work is projected each minute from what its tasks really take. When its date is in danger it "
        "stands here with the reason, and its manager is told.",
        "All orders",
        "orders:order_list",
    )

    def rows(self) -> Any:
        """Orders in jeopardy that this person may see."""
        return queries.in_jeopardy(person(self.request)).order_by()


@allowed("orders.view_orderforecast")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list."""
    return tables.show(request, Jeopardy, template="orders/list.html")


@allowed("kernel.view_decisiontable")
@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    """The way to the rules: rows of a decision table with versions, tests and a trial on real orders."""
    return redirect("decision_table_latest", key=TABLE)

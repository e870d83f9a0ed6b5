"""The list of orders: milestones reached, promised date, what each waits for."""

from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from contracts.models import Contract, Quote
from crm.models import Account
from fulfillment.models import Level
from kernel import amending, many, reading, tables
from kernel.columns import Cell
from kernel.forms import ReasonForm
from kernel.markup import put
from kernel.models import User
from kernel.saying import said
from kernel.templatetags import trunkline as tags
from kernel.workspace import allowed, person
from orders import editing, queries, switchoff
from orders.forms import ManagerForm, OrderCellsForm
from orders.models import Order
from orders.views.jeopardy import LEVELS, LevelOf

SHOWN = 8
CHANGES = "orders.change_order"
BEFORE_APPROVAL = ("draft", "submitted", "enrichment_in_progress", "enrichment_on_hold")
OVER = ("cancelled", "rejected")


class Milestone(tables.Column):
    """One step of the process as a coloured cell. `key` is submitted, enriched, approved, live or completed."""

    def __init__(self, key: str, **kwargs: Any) -> None:
        self.key = key
        super().__init__(accessor="state", orderable=False, css="ms-col col-opt", **kwargs)

    def shown(self, value: Any, record: Any) -> Cell:
        return _drawn(*milestone(self.key, record), reading.language())

    def plain_cells(self, column: Any, record: Any) -> list[Any]:
        return [milestone(self.key, record)[1]]


@lru_cache(maxsize=2048)
def _drawn(kind: str, word: str, language: str | None) -> Cell:
    """A milestone's cell; a list says the same few again and again."""
    icons = {"d": "check", "r": "progress", "w": "hourglass", "b": "alert-circle"}
    heard = {"d": "Done", "r": "Under way", "w": "Waiting", "b": "Late", "f": "Planned", "x": ""}[kind]
    mark = tags.icon(icons[kind]) if kind in icons else ""
    pattern = '<div class="ms ms-{}"><div>{}<span class="sr">{} </span>{}</div></div>'
    return put(pattern, kind, mark, said(heard), said(word))


def milestone(key: str, order: Any) -> tuple[str, str]:
    """Kind (done, running, waiting, bad, future, off as one letter) and word of one step of an order."""
    if order.state in OVER and key in ("live", "completed"):
        return "x", "–"
    return _STEPS[key](order)


def _submitted(order: Any) -> tuple[str, str]:
    return ("d", tags.short_day(order.submitted_at)) if order.submitted_at else ("r", "Draft")


def _enriched(order: Any) -> tuple[str, str]:
    if order.approval_asked_at:
        return "d", tags.short_day(order.approval_asked_at)
    if order.state == Order.State.ENRICHMENT_ON_HOLD:
        return "w", "Values"
    return ("r", "Running") if order.state in ("submitted", "enrichment_in_progress") else ("f", "–")


def _approved(order: Any) -> tuple[str, str]:
    if order.approved_at:
        return "d", tags.short_day(order.approved_at)
    if order.state == Order.State.REJECTED:
        return "b", "Rejected"
    return ("w", "Asked") if order.state == Order.State.AWAITING_APPROVAL else ("f", "–")


def _live(order: Any) -> tuple[str, str]:
    if order.state in BEFORE_APPROVAL or not order.started_at:
        return "f", "–"
    if order.fallen:
        return "b", f"{order.live} of {order.sites}"
    if order.state in ("on_hold", "awaiting_information"):
        return "w", "Paused"
    return ("d" if order.live == order.sites else "r"), f"{order.live} of {order.sites}"


def _completed(order: Any) -> tuple[str, str]:
    if order.ended_at and order.state == Order.State.COMPLETED:
        return "d", tags.short_day(order.ended_at)
    if order.state in ("partial", "failed"):
        return "b", order.get_state_display()
    return "f", tags.short_day(order.promised_on) if order.promised_on else "–"


_STEPS = {"submitted": _submitted, "enriched": _enriched, "approved": _approved, "live": _live, "completed": _completed}


def waits_for(order: Any) -> str:
    """Whom or what the order waits for, in words."""
    if order.fallen:
        return "Fallout desk"
    if order.asked:
        return "Technical values"
    return {
        "draft": "Submission", "awaiting_approval": "Approval", "on_hold": "Resume", "awaiting_information": "Customer",
        "in_progress": "Tasks under way", "approved": "Planning", "submitted": "Rules",
        "enrichment_in_progress": "Rules",
    }.get(order.state, "–")  # fmt: skip


class Waits(tables.Column):
    """What the order waits for."""

    def __init__(self) -> None:
        super().__init__(accessor="state", orderable=False, verbose_name="Waits for", optional=True, css="soft")

    def shown(self, value: Any, record: Any) -> Cell:
        return str(said(waits_for(record)))

    def plain_cells(self, column: Any, record: Any) -> list[Any]:
        return [waits_for(record)]


def _below(order: Any) -> str:
    return f"{order.number} · {order.account.name} · {order.sites} site{'' if order.sites == 1 else 's'}"


class OrderTable(tables.Table):
    """Columns of the list."""

    title = tables.Name(
        url="orders:order", arg="number", verbose_name="Order", order_by=("number",),
        sub=_below,
    )  # fmt: skip
    state = tables.Pill(
        loud=lambda order: order.fallen or order.state in ("rejected", "failed", "partial"), css="wraps"
    )  # fmt: skip
    submitted = Milestone("submitted")
    enriched = Milestone("enriched")
    approved = Milestone("approved")
    live = Milestone("live", verbose_name="Sites live")
    completed = Milestone("completed")
    promised_on = tables.Due(verbose_name="Promised", done=lambda order: order.state in queries.ENDED)
    jeopardy = LevelOf(optional=True)
    waits = Waits()
    manager = tables.Text(optional=True, order_by=("manager__last_name",), css="soft")
    account = tables.Text(verbose_name="Customer", extra=True, orderable=False)
    requested_on = tables.Date(verbose_name="Requested", extra=True, orderable=False)
    their_reference = tables.Text(verbose_name="Their reference", extra=True, orderable=False)
    channel = tables.Text(extra=True, orderable=False, accessor="get_channel_display")
    monthly = tables.Money(verbose_name="A month", whole=True, extra=True, orderable=False)


class OrderFilter(tables.Filters):
    """Filters of the list."""

    state = tables.States(Order)
    needs = tables.Choices(
        label="Needs", method="by_need",
        choices=[("values", "Technical values"), ("fallout", "Mending"), ("approval", "Approval"), ("late",
        "A new date")],
    )  # fmt: skip
    jeopardy = tables.Choices(label="Jeopardy", choices=LEVELS, method="by_level")
    channel = tables.Choices(choices=Order.Channel.choices)
    manager = tables.Records("orders.manager")

    class Meta:
        model = Order
        fields = ["state", "channel", "manager"]

    def by_level(self, found: Any, name: str, value: str) -> Any:
        """Orders of one level of jeopardy."""
        return found.filter(forecast__level=Level[value.upper()])

    def by_need(self, found: Any, name: str, value: str) -> Any:
        """Orders that need one thing."""
        from django.utils import timezone

        wanted: dict[str, dict[str, Any]] = {
            "values": {"asked": True}, "fallout": {"fallen": True},
            "approval": {"state": Order.State.AWAITING_APPROVAL},
            "late": {"promised_on__lt": timezone.localdate(), "ended_at__isnull": True},
        }  # fmt: skip
        return found.filter(**wanted[value])


def _over(order: Order, by: User) -> str:
    """Why an order keeps its owner; empty when it can go to somebody else."""
    return str(order.get_state_display()).lower() if order.state in queries.ENDED else ""


def _fixed(order: Order) -> str:
    return "This order has ended; it stays as it is." if order.state in queries.ENDED else ""


def _give(pk: int, by: User, to: User) -> Any:
    return editing.edit(order_id=pk, by=by, changes={"manager": to.pk})


def _change(pk: int, *, edition: int, by: User, **changes: Any) -> Any:
    keys = {name: value.pk if isinstance(value, User) else value for name, value in changes.items()}
    made = editing.edit(order_id=pk, by=by, edition=edition, changes=keys)
    if "manager" in changes:
        editing.tell_managers([pk], by)
    return made


class Orders(tables.ListPage):
    """The list of orders."""

    title = "Orders"
    model = Order
    table = OrderTable
    filters = OrderFilter
    search = ("number", "title", "account__name", "their_reference")
    search_label = "Number, title, customer, reference"
    sort = "-title"
    empty = tables.Empty(
        "shopping-cart",
        "No orders yet",
        "An order is what was promised. It comes from an accepted quote, or from a customer’s page.",
    )
    new = tables.New("New order", "orders:new", "orders.add_order")
    acts = (
        many.moves(Order, "hold", icon="player-pause", form=ReasonForm),
        many.moves(Order, "resume", icon="player-play"),
        many.Act("give", "Give to", "user-plus", CHANGES, _give, _over, ManagerForm, editing.tell_managers),
    )
    edits = amending.Edits(
        OrderCellsForm, ("manager", "their_reference", "requested_on"), CHANGES, _change,
        cells=("manager", "their_reference", "requested_on"), why_not=_fixed,
    )  # fmt: skip

    def rows(self) -> Any:
        """Visible orders with their milestones."""
        return queries.listed(person(self.request))

    def searched(self, found: Any, text: str) -> Any:
        """By the indexes of words and numbers, and by the customer's name."""
        return queries.matching(found, person(self.request), text)


@allowed("orders.view_order")
@require_safe
def orders(request: HttpRequest) -> Any:
    """All orders."""
    return tables.show(request, Orders, template="orders/list.html")


@allowed("kernel.use_workspace")
@require_safe
def of_quote(request: HttpRequest, pk: int) -> HttpResponse:
    """The way from a quote to its order, for the quote's page: the order, else the button that makes it."""
    user = person(request)
    quote = get_object_or_404(Quote.objects.visible_to(user), pk=pk)
    order = Order.objects.visible_to(user).filter(quote=quote).first()
    may = quote.state == Quote.State.ACCEPTED and user.has_perm("orders.add_order")
    return render(request, "orders/of_quote.html", {"quote": quote, "order": order, "may_order": may})


@allowed("kernel.use_workspace")
@require_safe
def of_contract(request: HttpRequest, number: str) -> HttpResponse:
    """For a contract's page: what its end would switch off, with `?preview`, else the orders that do so."""
    user = person(request)
    rows = Contract.objects.visible_to(user).select_related("account", "site", "parent")
    contract = get_object_or_404(rows, number=number)
    context: dict[str, Any] = {"contract": contract, "preview": None}
    if "preview" in request.GET:
        context["preview"] = switchoff.preview(contract)
    else:
        context["orders"] = switchoff.of(contract)
    return render(request, "orders/of_contract.html", context)


@allowed("kernel.use_workspace")
@require_safe
def of_account(request: HttpRequest, number: str) -> HttpResponse:
    """Orders of an account and everything below it, for the account's page."""
    user = person(request)
    account = get_object_or_404(Account.objects.visible_to(user), number=number)
    rows = queries.listed(user).filter(account__path__startswith=account.path).order_by("-pk")
    below = queries.in_jeopardy(user).filter(account__path__startswith=account.path)
    worst = below.values_list("forecast__level", flat=True).first()
    context = {
        "account": account, "orders": rows[:SHOWN], "may_order": user.has_perm("orders.add_order"),
        "endangered": below.count() if worst else 0, "worst": f"jeopardy_{Level(worst).name.lower()}" if worst else "",
    }  # fmt: skip
    return render(request, "orders/of_account.html", context)


@allowed("orders.view_order")
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """Open orders for the home page, those that need somebody first."""
    from django.db.models import Case, IntegerField, Value, When

    open_ones = queries.listed(person(request)).exclude(state__in=queries.ENDED)
    rank = Case(
        When(fallen=True, then=Value(0)), When(asked=True, then=Value(1)), default=Value(2), output_field=IntegerField()
    )
    rows = list(open_ones.order_by(rank, "promised_on", "-pk")[:SHOWN])
    for row in rows:
        row.steps = [milestone(key, row) for key in _STEPS]
        row.waits = waits_for(row)
    return render(request, "orders/mine.html", {"orders": rows, "total": open_ones.count()})

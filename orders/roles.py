"""Roles: who may do what with orders; where they stand in the frame, on the home page and in the search."""

from collections.abc import Collection, Iterable

from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from contracts.models import Quote
from fulfillment.jeopardy import TABLE as JEOPARDY
from fulfillment.models import Level
from kernel import finding, frame, home, judging, moving, paperwork, roles, states, tableuse
from kernel.judging import About
from kernel.models import User
from kernel.states import Look
from kernel.templatetags.trunkline import money_text, short_day
from orders import choosing, closure, jeopardyrules, pointing, queries, rulecases, sampling, steering, submission  # noqa: F401
from orders.models import EnrichmentFlow, Order

READERS = (
    "sales_agent", "sales_manager", "order_agent", "order_manager", "order_approver", "finance",
    "order_fulfilment_agent", "fulfilment_manager", "fallout_agent", "fallout_manager", "process_admin",
    "service_agent", "technician",
)  # fmt: skip
TONES = {Level.NONE: "ok", Level.LOW: "idle", Level.MEDIUM: "wait", Level.HIGH: "risk", Level.CRITICAL: "bad"}
VIEW = ("orders.view_order", "orders.view_orderline", "orders.view_domainorder", "crm.view_account", "crm.view_site")

for _role in READERS:
    roles.grant(_role, *VIEW)
roles.grant("sales_agent", "orders.add_order")
roles.grant("sales_manager", "orders.add_order")
roles.grant("order_agent", "orders.add_order", "orders.change_order", "orders.submit_order")
roles.grant(
    "order_manager", "orders.add_order", "orders.change_order", "orders.submit_order", "orders.steer_order",
    "orders.enrich_order",
)  # fmt: skip
roles.grant("order_fulfilment_agent", "orders.enrich_order", "orders.change_order")
roles.grant("fulfilment_manager", "orders.enrich_order", "orders.change_order", "orders.steer_order")
for _role in ("order_manager", "fulfilment_manager", "fallout_agent", "fallout_manager"):
    roles.grant(_role, "orders.withdraw_line")
roles.grant("customer", "orders.order_own")
roles.grant("order_approver", "orders.approve_order")
roles.grant("finance", "orders.approve_order")
roles.grant(
    "process_admin", "orders.view_enrichmentflow", "orders.add_enrichmentflow", "orders.change_enrichmentflow",
    "orders.publish_enrichmentflow",
)  # fmt: skip

for _role in (
    "order_agent", "order_manager", "order_fulfilment_agent", "fulfilment_manager", "fallout_manager", "process_admin",
    "sales_manager", "service_agent",
):  # fmt: skip
    roles.grant(_role, "orders.view_orderforecast")
for _role in ("order_manager", "order_fulfilment_agent", "fulfilment_manager"):
    roles.grant(_role, "fulfillment.change_taskdate")

frame.add(
    frame.NavItem(
        "Deliver", "Orders", "shopping-cart", "orders:order_list", "orders.view_order", 20,
        count=lambda user: queries.open_orders(user).count(),
    )
)  # fmt: skip
frame.add(
    frame.NavItem(
        "Deliver", "Jeopardy", "flag", "orders:jeopardy_list", "orders.view_orderforecast", 28, hot=True,
        count=lambda user: queries.in_jeopardy(user, Level.HIGH).count(),
    )
)  # fmt: skip
frame.add(frame.NavItem("Process", "Enrichment flows", "route", "orders:flow_list", "orders.view_enrichmentflow", 12))
frame.add(
    frame.NavItem(
        "Process", "Jeopardy rules", "flag", "decision_table_latest", "kernel.view_decisiontable", 36,
        args=(JEOPARDY,),
    )
)  # fmt: skip
frame.add_new(frame.NewItem("Order", "shopping-cart", "orders:new", "orders.add_order", 25))

moving.register(
    Order,
    submit=lambda pk, by, reason: submission.submit(order_id=pk, by=by),
    hold=lambda pk, by, reason: steering.hold(order_id=pk, by=by, reason=reason),
    await_information=lambda pk, by, reason: steering.await_information(order_id=pk, by=by, reason=reason),
    resume=lambda pk, by, reason: steering.resume(order_id=pk, by=by, reason=reason),
    cancel=lambda pk, by, reason: steering.cancel(order_id=pk, by=by, reason=reason),
)

states.add(
    {
        "jeopardy_none": Look("circle-check", "On time", "ok"),
        "jeopardy_low": Look("flag", "Low jeopardy", "idle"),
        "jeopardy_medium": Look("flag", "Medium jeopardy", "wait"),
        "jeopardy_high": Look("flag", "High jeopardy", "risk"),
        "jeopardy_critical": Look("alert-octagon", "Critical jeopardy", "bad"),
        "orders.order.in_progress": Look("progress", "In progress", "run"),
        "orders.order.approved": Look("progress", "Approved", "run"),
        "orders.order.submitted": Look("progress", "Submitted", "run"),
        "orders.order.draft": Look("pencil", "Draft", "idle"),
        "orders.orderline.acknowledged": Look("circle-dashed", "Acknowledged", "idle"),
        "orders.orderline.scheduled": Look("circle-dashed", "Scheduled", "idle"),
        "orders.orderline.draft": Look("pencil", "Draft", "idle"),
        "orders.domainorder.draft": Look("circle-dashed", "Draft", "idle"),
        "orders.domainorder.qualified": Look("circle-dashed", "Qualified", "idle"),
        "orders.domainorder.scheduled": Look("circle-dashed", "Scheduled", "idle"),
        "orders.domainorder.closed_complete": Look("circle-check", "Done", "ok"),
    }
)


def _accepted(user: User) -> Iterable[home.Action]:
    """Signed quotes that nobody has ordered yet."""
    rows = Quote.objects.visible_to(user).filter(state=Quote.State.ACCEPTED).select_related("account")
    for quote in rows.order_by("accepted_at")[:5]:
        yield home.Action(
            text=f"Create the order of {quote.title}", detail=quote.account.name, number=str(quote),
            url=quote.get_absolute_url(), icon="signature",
            tone="wait", due="Signed", due_detail="the customer waits", word="Create", at=quote.accepted_at,
        )  # fmt: skip


@judging.told("orders.order")
def _judged(user: User, keys: Collection[int]) -> Iterable[tuple[int, About]]:
    """Customer, prices and the day that was asked for."""
    for order in Order.objects.visible_to(user).filter(pk__in=keys).select_related("account"):
        facts = (
            ("A month", money_text(order.monthly, order.currency)),
            ("Once", money_text(order.one_time, order.currency)),
            ("Requested", short_day(order.requested_on) if order.requested_on else "as soon as possible"),
        )
        yield order.pk, About(order.title, order.number, order.account.name, facts)


def _drafts(user: User) -> Iterable[home.Action]:
    """Drafts that somebody has to submit."""
    rows = Order.objects.visible_to(user).filter(state=Order.State.DRAFT).select_related("account")
    for order in rows.order_by("created_at")[:5]:
        yield home.Action(
            text=f"Submit {order.title}", url=order.get_absolute_url(), detail=order.account.name, number=order.number,
            icon="send", tone="wait", due="Draft", due_detail=f"since {order.created_at:%-d %b}", word="Submit",
            at=order.created_at,
        )  # fmt: skip


def _values(user: User) -> Iterable[home.Action]:
    """Orders that wait for technical values."""
    rows = Order.objects.visible_to(user).filter(missing_values__filled_at__isnull=True, missing_values__isnull=False)
    rows = rows.select_related("account").annotate(asked=Count("missing_values")).order_by("submitted_at")
    for order in rows[:5]:
        word = "1 technical value" if order.asked == 1 else f"{order.asked} technical values"
        yield home.Action(
            text=f"Fill in {word}", url=reverse("orders:values", args=[order.number]),
            detail=f"{order.account.name}, {order.title}", number=order.number, icon="hourglass", tone="wait",
            due="Waits",
            due_detail="on hold" if order.state == Order.State.ENRICHMENT_ON_HOLD else "the rest goes on",
            word="Fill in", at=order.submitted_at,
        )  # fmt: skip


def _papers(user: User) -> Iterable[home.Action]:
    """Orders all of whose work is done and that wait for a file."""
    rows = closure.only_papers(Order.objects.visible_to(user)).select_related("account").order_by("promised_on", "pk")
    found = list(rows[:5])
    missing = paperwork.lacking(Order, [order.pk for order in found], Order.State.COMPLETED)
    for order in found:
        yield home.Action(
            text=f"Add what completes {order.title}", url=order.get_absolute_url(),
            detail=f"{order.account.name}: {', '.join(missing.get(order.pk, []))}", number=order.number,
            icon="file-text", tone="wait", due="Delivered", due_detail="waits for its documents", word="Add",
            at=order.promised_on,
        )  # fmt: skip


def _late(user: User) -> Iterable[home.Action]:
    """Orders whose promise is over."""
    today = timezone.localdate()
    rows = queries.open_orders(user).filter(promised_on__lt=today).select_related("account")
    for order in rows.order_by("promised_on")[:5]:
        days = (today - order.promised_on).days
        yield home.Action(
            text=f"Set a new date for {order.title}", url=order.get_absolute_url(), detail=order.account.name,
            number=order.number, icon="alert-circle", tone="bad", due=f"{days} day{'' if days == 1 else 's'} over",
            due_detail=f"promised {order.promised_on:%-d %b}", word="Set date", at=order.promised_on,
        )  # fmt: skip


def _endangered(user: User) -> Iterable[home.Action]:
    """Orders whose promise is in danger."""
    for order in queries.in_jeopardy(user)[:8]:
        forecast = order.forecast
        slip = forecast.slip_days
        yield home.Action(
            text=order.title, url=order.get_absolute_url(), number=order.number, icon="flag",
            detail=f"{order.account.name}: {forecast.reason}", tone=TONES[forecast.level],
            due=f"{slip} day{'' if slip == 1 else 's'} late" if slip > 0 else str(Level(forecast.level).label),
            due_detail=f"expected {forecast.expected_on:%-d %b}" if forecast.expected_on else "",
            word="Look", at=order.promised_on,
        )  # fmt: skip


def _in_danger(user: User) -> Iterable[home.Action]:
    """The worst of them, among what needs a person next."""
    return [action for action in _endangered(user) if action.tone in ("risk", "bad")][:3]


def _jeopardy_figure(user: User) -> Iterable[home.Figure]:
    high = queries.in_jeopardy(user, Level.HIGH).count()
    url = reverse("orders:jeopardy_list")
    yield home.Figure("In jeopardy", str(queries.in_jeopardy(user).count()), url, f"{high} high or critical",
                      "risk" if high else "")  # fmt: skip


def _flow_drafts(user: User) -> Iterable[home.Action]:
    """Drafts of enrichment flows."""
    for flow in EnrichmentFlow.objects.visible_to(user).filter(state="draft").order_by("updated_at")[:5]:
        yield home.Action(
            text=f"Publish {flow.title}, version {flow.version}", url=flow.get_absolute_url(), number=flow.key,
            detail="nothing changes until then", icon="pencil", tone="idle", due="Draft",
            due_detail=f"changed {flow.updated_at:%-d %b}", word="Look", at=flow.updated_at,
        )  # fmt: skip


def _figures(user: User) -> Iterable[home.Figure]:
    rows = queries.open_orders(user)
    url = reverse("orders:order_list")
    held = rows.filter(state=Order.State.ENRICHMENT_ON_HOLD).count()
    yield home.Figure("Open orders", str(rows.count()), url, "not ended yet")
    yield home.Figure(
        "Waiting for values", str(held), f"{url}?state=enrichment_on_hold", "in enrichment", "wait" if held else ""
    )


def _tell(order: Order) -> finding.Found:
    return finding.Found(order.title, order.get_absolute_url(), order.account.name, order.number, "shopping-cart")


home.next_actions("orders.submit_order", _accepted)
home.next_actions("orders.submit_order", _drafts)
home.next_actions("orders.enrich_order", _values)
home.next_actions("orders.steer_order", _late)
home.next_actions("orders.submit_order", _papers)
home.next_actions("orders.change_enrichmentflow", _flow_drafts)
home.next_actions("orders.steer_order", _in_danger)
home.figures("orders.submit_order", _figures, order=20)
home.figures("orders.steer_order", _jeopardy_figure, order=25)
home.add(
    home.Block(
        "jeopardy", "Jeopardy", "orders.steer_order", _endangered, order=25, wide=True,
        all_url_name="orders:jeopardy_list",
        hint="promises in danger, worst first", empty="No promise is in danger.",
    )
)  # fmt: skip
home.add(
    home.Block(
        "orders", "Open orders", "orders.change_order", order=30, url_name="orders:mine", wide=True,
        all_url_name="orders:order_list", empty="No order is open.",
    )
)  # fmt: skip
finding.register(
    "Orders", "shopping-cart", "orders.view_order", order=10, ways=queries.found, tell=_tell,
    rows=lambda user: Order.objects.visible_to(user).select_related("account").order_by("-pk"),
)  # fmt: skip
tableuse.add(*rulecases.USES, jeopardyrules.USE)

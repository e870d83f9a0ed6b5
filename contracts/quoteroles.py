"""Who may do what with quotes; where they stand in the frame; how they are found; what they ask of people."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone

from contracts import quoteapproval, quoting
from contracts.models import Quote
from crm.finding import of_customers
from kernel import finding, frame, home, moving, roles, states, words
from kernel.finding import Found, Sought
from kernel.frame import NavItem, NewItem
from kernel.home import Action, Figure
from kernel.models import User
from kernel.states import Look

SOON = 7  # days before a quote expires
WORST = 6  # next actions of one kind

for _role in (
    "sales_agent", "sales_manager", "finance", "order_agent", "order_manager", "order_approver", "service_agent",
):  # fmt: skip
    roles.grant(_role, "contracts.view_quote", "cmdb.view_feasibilitycheck")
for _role in ("sales_agent", "sales_manager"):
    roles.grant(_role, "contracts.edit_quote")
roles.grant("customer", "contracts.request_quote")
for _role in ("sales_manager", "finance"):
    roles.grant(_role, "contracts.view_margin")


def _drafts(user: User) -> int:
    return int(Quote.objects.filter(owner=user, state__in=("draft", "rejected")).count())


frame.add(NavItem("Sell", "Quotes", "file-text", "contracts:quote_list", "contracts.view_quote", 14, count=_drafts))
frame.add_new(NewItem("Quote", "file-text", "contracts:quote_new", "contracts.edit_quote", 14))

moving.register(
    Quote,
    submit=lambda pk, by, reason: quoteapproval.submit(quote_id=pk, by=by, note=reason),
    recall=lambda pk, by, reason: quoteapproval.recall(quote_id=pk, by=by),
    rework=lambda pk, by, reason: quoteapproval.rework(quote_id=pk, by=by),
    cancel=lambda pk, by, reason: quoting.cancel(quote_id=pk, by=by, reason=reason),
)
states.add(
    {
        "contracts.quote.completed": Look("circle-check", "Ordered", "ok"),
        "contracts.quote.approved": Look("circle-check", "Approved", "ok"),
        "contracts.quote.accepted": Look("circle-check", "Accepted", "ok"),
    }
)


def _quotes(rows: Any, sought: Sought) -> Iterable[Any]:
    """The newest version of each by number, title or customer."""
    yield rows.filter(words.match(sought.text, "number", "title"))
    yield rows.filter(number__in=sought.numbers("QUO"))
    yield from of_customers(rows, sought)


def _newest(user: User) -> Any:
    rows = Quote.objects.visible_to(user)
    later = rows.filter(number=OuterRef("number"), version__gt=OuterRef("version"))
    return rows.filter(~Exists(later)).select_related("account").order_by("-pk")


def _tell(quote: Quote) -> Found:
    url = quote.get_absolute_url()
    return Found(quote.title, url, f"{quote.account.name}, version {quote.version}", quote.number, "file-text")


finding.register("Quotes", "file-text", "contracts.view_quote", rows=_newest, ways=_quotes, tell=_tell, order=14)


def next_actions(user: User) -> Iterable[Action]:
    """Own quotes that were rejected, that can go to the customer, or that expire soon."""
    mine = Quote.objects.filter(owner=user).select_related("account")
    soon = timezone.localdate() + dt.timedelta(days=SOON)
    for quote in mine.filter(state=Quote.State.REJECTED).order_by("updated_at")[:WORST]:
        yield _action(quote, "Rework the rejected quote", "risk", "circle-x")
    for quote in mine.filter(state=Quote.State.APPROVED).order_by("valid_until")[:WORST]:
        yield _action(quote, "Present the approved quote", "wait", "send")
    for quote in mine.filter(state=Quote.State.PRESENTED, valid_until__lte=soon).order_by("valid_until")[:WORST]:
        yield _action(quote, "Ask the customer before the quote expires", "risk", "clock")


def _action(quote: Quote, text: str, tone: str, icon: str) -> Action:
    return Action(
        f"{text} {quote.title}", quote.get_absolute_url(), quote.account.name, str(quote), icon, tone,
        due=f"valid until {quote.valid_until:%-d %b}", at=quote.valid_until,
    )  # fmt: skip


def figures(user: User) -> Iterable[Figure]:
    """How many of one's quotes are with customers."""
    waiting = Quote.objects.filter(owner=user, state=Quote.State.PRESENTED).count()
    url = f"{reverse('contracts:quote_list')}?state=presented&owner={user.pk}"
    yield Figure("Quotes with customers", str(waiting), url)


home.next_actions("contracts.edit_quote", next_actions)
home.figures("contracts.edit_quote", figures, order=20)

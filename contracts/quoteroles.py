"""Who may do what with quotes; where they stand in the frame; how they are found; what they ask of people."""

import datetime as dt
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from contracts import quoteapproval, quoting
from contracts.models import Quote
from crm.attention import OVERSEE
from crm.finding import of_customers
from kernel import finding, frame, home, judging, moving, roles, states, words
from kernel.finding import Found, Sought
from kernel.frame import NavItem, NewItem
from kernel.home import Action, Figure
from kernel.judging import About
from kernel.models import User
from kernel.states import Look
from kernel.templatetags.trunkline import ago, money_text, number_text

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
    """What customers ask for; own quotes that were rejected, that can go to the customer, or that expire soon."""
    yield from _asked(user)
    mine = Quote.objects.filter(owner=user).select_related("account")
    soon = timezone.localdate() + dt.timedelta(days=SOON)
    for quote in mine.filter(state=Quote.State.REJECTED).order_by("updated_at")[:WORST]:
        yield _action(quote, "Rework the rejected quote", "risk", "circle-x", "Rework")
    for quote in mine.filter(state=Quote.State.APPROVED).order_by("valid_until")[:WORST]:
        yield _action(quote, "Present the approved quote", "wait", "send", "Present")
    for quote in mine.filter(state=Quote.State.PRESENTED, valid_until__lte=soon).order_by("valid_until")[:WORST]:
        yield _action(quote, "Ask the customer before the quote expires", "risk", "clock", "Look")


def _asked(user: User) -> Iterable[Action]:
    """Baskets that customers handed in and nobody has answered; who oversees sales also gets those of nobody."""
    drafts = Quote.objects.visible_to(user).filter(asked_at__isnull=False, state=Quote.State.DRAFT)
    to_answer = drafts.filter(Q(owner=user) | Q(owner=None) if user.has_perm(OVERSEE) else Q(owner=user))
    for quote in to_answer.select_related("account", "asked_by").order_by("asked_at")[:WORST]:
        yield Action(
            f"Answer {quote.asked_by}: {quote.title}", quote.get_absolute_url(), quote.account.name, str(quote),
            "message", "risk", "Asked for a quote", ago(quote.asked_at), "Answer", quote.asked_at,
        )  # fmt: skip


def _action(quote: Quote, text: str, tone: str, icon: str, word: str) -> Action:
    return Action(
        f"{text} {quote.title}", quote.get_absolute_url(), quote.account.name, str(quote), icon, tone,
        due=f"valid until {quote.valid_until:%-d %b}", word=word, at=quote.valid_until,
    )  # fmt: skip


@judging.told(quoteapproval.LABEL)
def _judged(user: User, keys: Collection[int]) -> Iterable[tuple[int, About]]:
    """Customer, prices, what is taken off them, and the margin for those who may know it."""
    for quote in Quote.objects.visible_to(user).filter(pk__in=keys).select_related("account"):
        figures = quoteapproval.figures(quote)
        facts = [
            ("A month", money_text(quote.monthly, quote.currency)),
            ("Once", money_text(quote.one_time, quote.currency)),
            ("Over the term", money_text(figures.value, quote.currency)),
            ("Discount", f"{number_text(figures.discount, 1)} %"),
        ]
        if user.has_perm("contracts.view_margin"):
            facts.append(("Margin", f"{number_text(figures.margin, 1)} %"))
        yield quote.pk, About(quote.title, str(quote), quote.account.name, tuple(facts))


def figures(user: User) -> Iterable[Figure]:
    """How many of one's quotes are with customers."""
    waiting = Quote.objects.filter(owner=user, state=Quote.State.PRESENTED).count()
    url = f"{reverse('contracts:quote_list')}?state=presented&owner={user.pk}"
    yield Figure("Quotes with customers", str(waiting), url)


home.next_actions("contracts.edit_quote", next_actions)
home.figures("contracts.edit_quote", figures, order=20)

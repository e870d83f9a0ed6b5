"""How agreements and contracts are found, and what they ask of people."""

import datetime as dt
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils import timezone

from contracts import chargelist, papercopy
from contracts.models import Agreement, Clause, Contract, NegotiationRound, SignatureRequest, Termination
from crm.finding import at_places, of_customers
from kernel import finding, home, judging, states
from kernel.finding import Found, Sought
from kernel.home import Action, Figure
from kernel.judging import About
from kernel.models import User
from kernel.states import Look
from kernel.templatetags.trunkline import money_text, short_day

COUNSEL = "contracts.approve_clause"
WORST = 6  # next actions of one kind
ENDS_SOON = 90  # days before an agreement's end in which somebody should talk about the next
UNSIGNED = 7  # days after which a silent signatory is called


def _agreements(rows: Any, sought: Sought) -> Iterable[Any]:
    """Agreements by number, title or customer."""
    yield rows.filter(sought.within("number", "title"))
    yield from of_customers(rows, sought)


def _tell_agreement(row: Agreement) -> Found:
    return Found(row.title, row.get_absolute_url(), f"{row.account.name}, version {row.version}", row.number,
                 "heart-handshake")  # fmt: skip


def _contracts(rows: Any, sought: Sought) -> Iterable[Any]:
    """Contracts by number, customer or site."""
    yield rows.filter(Q(number__startswith=sought.text.upper()) | Q(number__in=sought.numbers("CON", "SVC")))
    yield from of_customers(rows, sought)
    yield from at_places(rows, sought)


def _tell_contract(row: Contract) -> Found:
    name = f"{row.get_kind_display()}, {row.site.name if row.site else row.account.name}"
    return Found(name, row.get_absolute_url(), row.get_state_display(), row.number, "certificate")


def next_actions(user: User) -> Iterable[Action]:
    """Own agreements that were rejected, that wait to be sent, that nobody signs, that end soon."""
    mine = Agreement.objects.filter(owner=user).select_related("account")
    asked = SignatureRequest.objects.filter(
        subject_type="contracts.agreement", subject_id=OuterRef("pk"), signed_at=None, declined_at=None, void_at=None
    )
    for row in mine.filter(state=Agreement.State.REJECTED).order_by("updated_at")[:WORST]:
        yield _action(row, "Rework the rejected agreement", "risk", "circle-x")
    for row in mine.filter(~Exists(asked), state=Agreement.State.APPROVED).order_by("updated_at")[:WORST]:
        yield _action(row, "Send the approved agreement for signature", "wait", "send")
    silent = asked.filter(created_at__lt=timezone.now() - dt.timedelta(days=UNSIGNED))
    for row in mine.filter(Exists(silent), state=Agreement.State.APPROVED).order_by("updated_at")[:WORST]:
        yield _action(row, "Ask why nobody signs", "risk", "clock")
    soon = timezone.localdate() + dt.timedelta(days=ENDS_SOON)
    newer = Agreement.objects.filter(number=OuterRef("number"), version__gt=OuterRef("version"))
    ending = mine.filter(~Exists(newer), state=Agreement.State.ACTIVE, ends_on__lte=soon)
    for row in ending.order_by("ends_on")[:WORST]:
        yield _action(row, "Renew before it ends", "wait", "calendar", f"ends {row.ends_on:%-d %b}", row.ends_on)


def legal_actions(user: User) -> Iterable[Action]:
    """Clauses that wait for approval, and agreements in negotiation in which the customer spoke last."""
    for clause in Clause.objects.filter(state=Clause.State.DRAFT).order_by("pk")[:WORST]:
        yield Action(
            f"Approve the clause “{clause.title}”", clause.get_absolute_url(), "agreements take approved clauses only",
            clause.key, "book", "wait", "Draft",
        )  # fmt: skip
    last = NegotiationRound.objects.filter(agreement=OuterRef("pk")).order_by("-number")
    rows = Agreement.objects.visible_to(user).filter(state=Agreement.State.NEGOTIATION).select_related("account")
    spoke = rows.annotate(side=Subquery(last.values("side")[:1]), asked_at=Subquery(last.values("at")[:1]))
    for row in spoke.filter(side="customer").order_by("asked_at")[:WORST]:
        yield _action(row, "Answer what the customer proposes", "wait", "message", at=row.asked_at)


def copies_to_confirm(user: User) -> Iterable[Action]:
    """Copies signed on paper that a colleague uploaded: they count once somebody else has compared them."""
    for copy, record in papercopy.to_confirm(user, WORST):
        yield Action(
            f"Confirm the signed copy of {record}", record.get_absolute_url(),  # type: ignore[attr-defined]
            copy.request.account.name, str(record), "signature", "wait", word="Compare",
            due_detail=f"signed {copy.signed_on:%-d %b}", at=copy.uploaded_at,
        )  # fmt: skip


def _action(
    row: Agreement, text: str, tone: str, icon: str, due: str = "", at: dt.date | dt.datetime | None = None
) -> Action:
    name = f"{text}: {row.title}"
    return Action(
        name, row.get_absolute_url(), row.account.name, str(row), icon, tone, due=due, at=at or row.updated_at
    )


def figures(user: User) -> Iterable[Figure]:
    """How many agreements one negotiates; counsel looks at all."""
    rows = Agreement.objects.visible_to(user).filter(state=Agreement.State.NEGOTIATION)
    rows = rows if user.has_perm(COUNSEL) else rows.filter(owner=user)
    url = f"{reverse('contracts:agreement_list')}?state=negotiation"
    yield Figure("Agreements in negotiation", str(rows.count()), url)


@judging.told("contracts.agreement")
def _judged(user: User, keys: Collection[int]) -> Iterable[tuple[int, About]]:
    for row in Agreement.objects.visible_to(user).filter(pk__in=keys).select_related("account"):
        yield row.pk, About(row.title, str(row), row.account.name)


@judging.told("contracts.termination")
def _judged_end(user: User, keys: Collection[int]) -> Iterable[tuple[int, About]]:
    """What ends, when, and what the customer is charged for it."""
    rows = Termination.objects.visible_to(user).filter(pk__in=keys).select_related("contract__account")
    for row in rows:
        facts = (
            ("Last day of service", short_day(row.on)),
            ("Worked out", money_text(row.computed, row.currency)),
            ("To be charged", money_text(row.charge, row.currency)),
        )
        yield row.pk, About(f"Early end of {row.contract.number}", row.number, row.contract.account.name, facts)


def _billed(user: User) -> Iterable[Figure]:
    """How many customers are charged this month, for whoever watches what is billed."""
    if "finance" in user.roles:
        first = timezone.localdate().replace(day=1)
        count = chargelist.customers(user, first, "").count()
        yield Figure("Customers to bill", str(count), reverse("contracts:charge_list"), "this month")


finding.register(
    "Agreements", "heart-handshake", "contracts.view_agreement", order=15, ways=_agreements, tell=_tell_agreement,
    rows=lambda user: Agreement.objects.visible_to(user).select_related("account").order_by("-pk"),
)  # fmt: skip
finding.register(
    "Contracts", "certificate", "contracts.view_contract", order=16, ways=_contracts, tell=_tell_contract,
    rows=lambda user: Contract.objects.visible_to(user).select_related("account", "site").order_by("-kind", "-pk"),
)  # fmt: skip
home.next_actions("contracts.negotiate_agreement", next_actions)
home.next_actions(COUNSEL, legal_actions)
home.next_actions(papercopy.RIGHT, copies_to_confirm)
home.figures("contracts.negotiate_agreement", figures, order=30)
home.figures("contracts.view_billingstart", _billed, order=35)
states.add(
    {
        "contracts.contract.pending_signature": Look("hourglass", "Waiting to start", "wait"),
        "contracts.agreement.negotiation": Look("progress", "In negotiation", "run"),
    }
)

"""Attention: which leads and deals need their owner, for the home page."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import DecimalField, F, Q, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst

from crm.models import Case, Lead, Opportunity
from kernel.home import Action, Figure
from kernel.models import User
from kernel.money import ZERO
from kernel.saying import said
from kernel.templatetags.speaking import lowered
from kernel.templatetags.trunkline import distance, money_text

SHOWN = 5  # of each kind
OVERSEE = "crm.oversee_opportunity"
LATE = dt.timedelta(days=2)  # a new lead that nobody called


def _deals(user: User) -> Any:
    """The open deals that a person looks after: their own, or everybody's for who oversees them."""
    found = Opportunity.objects.visible_to(user) if user.has_perm(OVERSEE) else Opportunity.objects.filter(owner=user)
    return found.filter(state=Opportunity.State.OPEN)


def _about(deal: Opportunity, user: User) -> str:
    """Whose deal it is, where it stands, and who has it when that is somebody else."""
    owner = "" if deal.owner_id == user.pk else f", {deal.owner or 'nobody'}"
    return f"{deal.account}, {deal.stage}{owner}"


def _edit(deal: Opportunity, field: str) -> str:
    """The form of a deal, at the field that is asked for."""
    return f"{reverse('crm:opportunity_edit', args=[deal.number])}#id_{field}"


def leads_to_do(user: User) -> Iterable[Action]:
    """New leads to call, the oldest first, and qualified ones to convert; late ones of others for who oversees them."""
    mine = Lead.objects.filter(owner=user)
    now = timezone.now()
    if user.has_perm(OVERSEE):
        late = Lead.objects.visible_to(user).exclude(owner=user).filter(created_at__lt=now - LATE)
        for lead in late.filter(state=Lead.State.NEW).select_related("owner").order_by("created_at")[:SHOWN]:
            yield Action(
                f"Nobody called {lead.person}", lead.get_absolute_url(),
                f"{lead.company or 'a private person'}, {lead.owner or 'nobody'}", lead.number, "phone", "risk",
                capfirst(distance(lead.created_at)), "asked us", "Look", lead.created_at,
            )  # fmt: skip
    for lead in mine.filter(state=Lead.State.NEW).order_by("created_at")[:SHOWN]:
        late = now - lead.created_at > LATE
        yield Action(
            f"Call {lead.person}" if lead.phone else f"Write to {lead.person}", lead.get_absolute_url(),
            lead.company or "a private person", lead.number, "phone" if lead.phone else "mail",
            "risk" if late else "wait", capfirst(distance(lead.created_at)), "asked us",
            "Call" if lead.phone else "Write", lead.created_at,
        )  # fmt: skip
    for lead in mine.filter(state=Lead.State.QUALIFIED).order_by("updated_at")[:SHOWN]:
        yield Action(
            f"Convert {lead.title}", reverse("crm:lead_convert", args=[lead.number]), lead.need.splitlines()[0][:90],
            lead.number, "user-plus", "run", capfirst(distance(lead.updated_at)), "qualified", "Convert",
            lead.updated_at,
        )  # fmt: skip


def open_cases(user: User) -> int:
    """How many cases still want somebody."""
    return int(Case.objects.visible_to(user).filter(state__in=Case.OPEN).count())


def cases_to_do(user: User) -> Iterable[Action]:
    """Cases of one's own and those that nobody has taken, the most urgent first."""
    now = timezone.now()
    rows = Case.objects.filter(Q(owner=user) | Q(owner=None), state__in=Case.OPEN).select_related("account")
    for case in rows.order_by("due_at")[:SHOWN]:
        late, severity = case.due_at < now, str(said(case.get_severity_display()))
        yield Action(
            case.title, case.get_absolute_url(), f"{case.account}, {lowered(severity)}", case.number,
            "headset", "bad" if late else "wait", capfirst(distance(case.due_at)),
            "over its time" if late else "to be solved", "Solve" if case.owner_id else "Take it", case.due_at,
        )  # fmt: skip


def deals_to_do(user: User) -> Iterable[Action]:
    """Open deals whose signature is overdue, then those without a next step."""
    mine = _deals(user).select_related("account", "stage", "owner")
    today = timezone.localdate()
    for deal in mine.filter(close_on__lt=today).order_by("close_on")[:SHOWN]:
        yield Action(
            f"Set a new date for {deal.name}", _edit(deal, "close_on"), _about(deal, user), deal.number,
            "alert-circle", "bad", capfirst(distance(deal.close_on)), "signature expected", "Set date",
            deal.close_on,
        )  # fmt: skip
    for deal in mine.filter(close_on__gte=today, next_step="").order_by("close_on")[:SHOWN]:
        yield Action(
            f"Note the next step of {deal.name}", _edit(deal, "next_step"), _about(deal, user), deal.number,
            "arrow-right", "wait", capfirst(distance(deal.close_on)), "signature expected", "Note it", deal.close_on,
        )  # fmt: skip


def signatures(user: User) -> Iterable[Action]:
    """The next signatures that are expected."""
    mine = _deals(user).select_related("account", "stage")
    for deal in mine.order_by("close_on")[:SHOWN]:
        amount = money_text(deal.monthly, deal.currency, whole=True)
        yield Action(
            deal.name, deal.get_absolute_url(), f"{deal.account}, {amount} a month", "", "target-arrow", "idle",
            capfirst(distance(deal.close_on)), f"{deal.stage}, {deal.stage.probability} %", at=deal.close_on,
        )  # fmt: skip


def figures(user: User) -> Iterable[Figure]:
    """What is open, and what of it is likely, in the currency of most deals."""
    mine, everybody = _deals(user), user.has_perm(OVERSEE)
    whose = "in all" if everybody else "yours"
    likely = Sum(F("monthly") * F("stage__probability") / 100, output_field=DecimalField())
    rows = list(mine.values("currency").annotate(total=Sum("monthly"), likely=likely).order_by("-total"))
    first: dict[str, Any] = (
        dict(rows[0]) if rows else {"currency": settings.HOME_CURRENCY, "total": ZERO, "likely": ZERO}
    )
    board = reverse("crm:opportunity_board") + ("" if everybody else "?owner=me")
    other = f", and {len(rows) - 1} other currencies" if len(rows) > 1 else ""
    yield Figure("Open deals", str(mine.count()), board, whose)
    yield Figure(
        "A month if all sign", money_text(first["total"], first["currency"], whole=True), board, f"{whose}{other}"
    )
    yield Figure("Likely", money_text(first["likely"], first["currency"], whole=True), board, "by stage")
    leads = Lead.objects.visible_to(user) if everybody else Lead.objects.filter(owner=user)
    leads = leads.exclude(state__in=(Lead.State.CONVERTED, Lead.State.DISQUALIFIED))
    url = f"{reverse('crm:lead_list')}?state=open" + ("" if everybody else f"&owner={user.pk}")
    yield Figure("Open leads", str(leads.count()), url, whose)

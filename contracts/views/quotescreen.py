"""The quote editor's screen: what its page and its fragments show."""

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from catalog import configuration
from catalog.models import Offering
from contracts import quoteapproval, quotechecks, quotecompleteness, quotegrid, quotepricing, quoteversions
from contracts.models import Quote, QuoteLine
from contracts.quotecompleteness import Problem
from crm.models import OpportunityLine
from kernel import approvals, lifecycle, states, workspace
from kernel.models import ApprovalStep, DecisionTable, User

TEMPLATE = "contracts/quote.html"
RELATED = ("account__root", "agreement", "price_list", "opportunity", "owner")
HIDDEN_REASON = "A rule that your role does not see asks for it"


def load(request: HttpRequest, number: str, version: int) -> Quote:
    """One version, if this person may see it; 404 otherwise."""
    rows = Quote.objects.visible_to(workspace.person(request)).select_related(*RELATED)
    found: Quote = get_object_or_404(rows, number=number, version=version)
    return found


def line_of(quote: Quote, line_id: int) -> QuoteLine:
    """One line of it; 404 for another quote's."""
    rows = QuoteLine.objects.filter(quote=quote).select_related("site", "offering", "feasibility__pop")
    line: QuoteLine = get_object_or_404(rows, pk=line_id)
    line.quote = quote
    return line


def context(request: HttpRequest, quote: Quote, *, active: int | None = None) -> dict[str, Any]:
    """Everything that the page shows; the number of queries does not grow with the lines."""
    user = workspace.person(request)
    lines = quotepricing.lines_of(quote)
    specifications = quotecompleteness.specifications_of(lines)
    is_draft = quote.state == Quote.State.DRAFT
    problems = quotecompleteness.problems(quote, lines) if is_draft else []
    versions = quoteversions.versions_of(quote)
    shown: dict[str, Any] = {
        "quote": quote,
        "record": quote,
        "here": quoteapproval.url_of(quote),
        "grid": quotegrid.grid(lines, specifications, problems, _wanted(quote) if is_draft else ()),
        "problems": problems,
        "waits": waits(quote, problems),
        "active": active,
        "can_edit": is_draft and user.has_perm("contracts.edit_quote"),
        "versions": versions,
        "previous": next((one for one in versions if one.version < quote.version), None),
        "newer": versions[0] if versions[0].version > quote.version else None,
        "moves": {move.name: move for move in lifecycle.moves(quote, user)},
        "road": _road(quote),
        "saved_at": quote.updated_at,
        "ready_on": quotechecks.ready_on(lines),
        **totals(quote, user),
        **approval(quote, user),
    }
    line = next((line for line in lines if line.pk == active), None)
    if line is not None:
        line.quote = quote
        shown |= panel(line, user, problems=problems)
    return shown


def panel_context(request: HttpRequest, quote: Quote, line: QuoteLine) -> dict[str, Any]:
    """What the panel alone shows, without the grid beside it."""
    user = workspace.person(request)
    return {
        "quote": quote,
        "here": quoteapproval.url_of(quote),
        "active": line.pk,
        "can_edit": quote.state == Quote.State.DRAFT and user.has_perm("contracts.edit_quote"),
        **approval(quote, user),
        **panel(line, user),
    }


def totals(quote: Quote, user: User) -> dict[str, Any]:
    """The bar below the grid; the margin only for those who may see it."""
    figures = quoteapproval.figures(quote)
    shown: dict[str, Any] = {"figures": {"value": figures.value, "discount": figures.discount}}
    if user.has_perm("contracts.view_margin"):
        shown["margin"] = figures.margin
    return shown


def approval(quote: Quote, user: User) -> dict[str, Any]:
    """Who has to agree, or did."""
    reasons = quoteapproval.reasons(quote)
    sees = user.has_perm("contracts.view_margin")
    secret = {reason.role for reason in reasons if reason.secret and not sees}
    made = None if quote.state == Quote.State.DRAFT else approvals.current(quote)
    steps: list[ApprovalStep] = list(made.steps.all()) if made else []
    roles = list(dict.fromkeys([*(reason.role for reason in reasons), *_roles()]))
    people = _people(roles)
    because = {reason.role: HIDDEN_REASON if reason.role in secret else reason.because for reason in reasons}
    open_steps = set(approvals.waiting_for(user).filter(request=made).values_list("pk", flat=True)) if made else set()
    return {
        "needed": [{"role": role, "because": because.get(role, ""), "person": people.get(role, "")} for role in roles],
        "round": made,
        "steps": [
            {
                "step": step,
                "because": HIDDEN_REASON if step.role in secret else step.because,
                "mine": step.pk in open_steps,
                "person": step.decided_by or people.get(step.role, ""),
            }
            for step in steps
        ],
        "ended": quoteversions.ended_approval(quote) if quote.state == Quote.State.DRAFT else None,
    }


def panel(line: QuoteLine, user: User, *, problems: list[Problem] | None = None) -> dict[str, Any]:
    """The right-hand panel of one line."""
    specification = quotecompleteness.specifications_of([line]).get(line.offering.specification_id or 0)
    found = quotecompleteness.of_lines(line.quote, [line]) if problems is None else problems
    whole = [p for p in found if p.line_id == line.pk and p.kind not in ("configuration",)]
    fields = (
        configuration.form_fields(specification, line.characteristics, line.problems, account_id=line.quote.account_id)
        if specification
        else []
    )
    return {
        "line": line,
        "specification": specification,
        "fields": fields,
        "whole_problems": whole,
        "charges": quotegrid.waterfall(quotepricing.charges_of(line)),
        "line_discount": line.manual_discount,
        "saved_at": timezone.now(),
    }


def waits(quote: Quote, problems: list[Problem]) -> list[dict[str, str]]:
    """Why it cannot be submitted yet, a few words each with the place to go to."""
    here = quoteapproval.url_of(quote)
    found = []
    cells = [p for p in problems if p.kind in ("configuration", "rule", "price")]
    checks = [p for p in problems if p.kind == "check"]
    for group, one, many in ((cells, "cell to fix", "cells to fix"), (checks, "site check", "site checks")):
        lines = list(dict.fromkeys(p.line_id for p in group))
        if lines:
            word = one if len(lines) == 1 else many
            found.append({"text": f"{len(lines)} {word}", "url": f"{here}?line={lines[0]}"})
    gaps = sum(p.kind == "account" for p in problems)
    if gaps:
        url = reverse("crm:account", args=[(quote.account.root or quote.account).number])
        found.append({"text": f"{gaps} gap{'' if gaps == 1 else 's'} of the customer", "url": url})
    found += [{"text": p.text.rstrip("."), "url": here} for p in problems if p.kind == "quote"]
    return found


def _wanted(quote: Quote) -> list[Offering]:
    """Offerings that the opportunity speaks of."""
    if quote.opportunity_id is None:
        return []
    lines = OpportunityLine.objects.filter(opportunity=quote.opportunity_id, offering__isnull=False)
    return list(Offering.objects.filter(pk__in=lines.values("offering"), state="active", sellable=True))


def _road(quote: Quote) -> list[dict[str, Any]]:
    road = [*Quote.STAGES, *([] if quote.state in Quote.STAGES else [quote.state])]
    return [{"word": states.look(key, quote).word, "here": key == quote.state} for key in road]


def _roles() -> list[str]:
    """Every role that the rules may ask."""
    table = DecisionTable.objects.in_force().filter(key=quoteapproval.TABLE).first()
    return list(dict.fromkeys(str(row.get("role", "")).strip("'\"") for row in table.rows)) if table else []


def _people(roles: list[str]) -> dict[str, str]:
    """One person of each role; “any of 3” where there are more."""
    found: dict[str, list[User]] = {}
    rows = User.objects.filter(groups__name__in=roles, is_active=True).distinct().prefetch_related("groups")
    for user in rows:
        for group in user.groups.all():
            found.setdefault(group.name, []).append(user)
    return {name: str(people[0]) if len(people) == 1 else f"any of {len(people)}" for name, people in found.items()}

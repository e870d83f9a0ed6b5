"""The quote editor's screen: what its page and its fragments show."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from catalog import configuration
from catalog.models import Offering
from contracts import (
    building,
    bundlechoice,
    bundlelines,
    quoteapproval,
    quotechecks,
    quotecompleteness,
    quotegrid,
    quoteoutline,
    quotepricing,
    quoteversions,
)
from contracts.models import Quote, QuoteLine
from contracts.quotecompleteness import Problem
from contracts.quotegrid import Block
from contracts.quoteoutline import Outline, Wanted
from crm import countries
from crm.models import OpportunityLine
from kernel import approvals, decisions, lifecycle, money, states, workspace
from kernel.models import ApprovalStep, User

TEMPLATE = "contracts/quote.html"
RELATED = ("account__root", "agreement", "price_list", "opportunity", "owner")
LONGEST_KEY = 18  # digits
PROBLEMS = {"any": "Anything to mend", quoteoutline.CELL: "Cells to fix", quoteoutline.CHECK: "Site checks"}
HEADS = {"": "a first line", "valid_until": "a later “valid until”", "agreement": "an agreement that is in force"}
HIDDEN_REASON = "A rule that your role does not see asks for it"


def load(request: HttpRequest, number: str, version: int) -> Quote:
    """One version, if this person may see it; 404 otherwise."""
    rows = Quote.objects.visible_to(workspace.person(request)).select_related(*RELATED)
    found: Quote = get_object_or_404(rows, number=number, version=version)
    return found


def line_of(quote: Quote, line_id: int) -> QuoteLine:
    """One line of it; 404 for another quote's."""
    rows = QuoteLine.objects.filter(quote=quote).select_related(
        "site", "offering", "feasibility__pop", "parent__offering"
    )
    line: QuoteLine = get_object_or_404(rows, pk=line_id)
    line.quote = quote
    return line


def context(request: HttpRequest, quote: Quote, *, active: int | None = None) -> dict[str, Any]:
    """Everything that the page shows; the number of queries does not grow with the lines."""
    user = workspace.person(request)
    versions = quoteversions.versions_of(quote)
    shown = rows(request, quote, active=active)
    shown |= {
        "record": quote,
        "versions": versions,
        "previous": next((one for one in versions if one.version < quote.version), None),
        "newer": versions[0] if versions[0].version > quote.version else None,
        "moves": {move.name: move for move in lifecycle.moves(quote, user)},
        "road": _road(quote),
        "saved_at": quote.updated_at,
        "rate": quotepricing.worded_rate(quote),
        "ready_on": quotechecks.ready_on(line.lead_days for line in shown["outline"].lines),
        **approval(quote, user),
    }
    if active is not None and QuoteLine.objects.filter(quote=quote, pk=active).exists():
        shown |= panel(line_of(quote, active), user, _holding(shown["block"], active))
    return shown


def rows(request: HttpRequest, quote: Quote, *, active: int | None = None, continued: bool = False) -> dict[str, Any]:
    """One block of the grid, chosen by the address or the active line, with the sums and what is to be mended."""
    is_draft = quote.state == Quote.State.DRAFT
    outline = quoteoutline.read(quote, problems=is_draft)
    wanted = chosen(request)
    sites = outline.sites(wanted)
    page = _page(request, len(sites))
    if active is not None and (site := outline.site_of(active)) in sites:
        page = sites.index(site) // quoteoutline.ROWS + 1
    first = (page - 1) * quoteoutline.ROWS
    shown = _drawn(request, quote, outline, sites[first : first + quoteoutline.ROWS], found=len(sites), page=page)
    if continued and first and shown["grid"].groups:
        shown["grid"].groups[0].begins = outline.country_of(sites[first - 1]) != outline.country_of(sites[first])
    return {
        **shown,
        "active": active,
        "wanted": wanted,
        "filters": filters(outline),
        "query": _query(request),
    }


def saved(request: HttpRequest, quote: Quote, line: QuoteLine) -> dict[str, Any]:
    """What the screen shows anew after one line changed: its row, its country, the sums, the panel."""
    user = workspace.person(request)
    shown = _drawn(request, quote, quoteoutline.read(quote), [line.site_id])
    found = shown["grid"].row_of(line.site_id)
    shown["group"], shown["row"] = found if found else (None, None)
    return {**shown, "active": line.pk, **approval(quote, user), **panel(line, user, shown["block"])}


def changed_rows(request: HttpRequest, quote: Quote, sites: Sequence[int | None]) -> dict[str, Any]:
    """Rows of several sites with the sums, to be swapped into the grid that is shown."""
    return _drawn(request, quote, quoteoutline.read(quote), list(sites))


def _holding(block: Block, line_id: int) -> Block | None:
    """The block, if it holds the line."""
    return block if any(line.pk == line_id for line in block.lines) else None


def _drawn(
    request: HttpRequest, quote: Quote, outline: Outline, sites: list[int | None], *, found: int = 0, page: int = 1
) -> dict[str, Any]:
    user = workspace.person(request)
    is_draft = quote.state == Quote.State.DRAFT
    lines = quoteoutline.lines_at(quote, outline, sites)
    problems = quotecompleteness.of_lines(quote, lines, outline.clashes) if is_draft else []
    builds = building.of(quote, (line.site_id for line in lines if building.cost(line)))
    block = quotegrid.Block(sites, lines, quotecompleteness.specifications_of(lines), problems, builds)
    more = columns_to_offer(quote) if is_draft else ()
    head = quotecompleteness.of_quote(quote, outline.lines) if is_draft else []
    return {
        "quote": quote,
        "here": quote.get_absolute_url(),
        "outline": outline,
        "block": block,
        "grid": quotegrid.grid(outline, block, more, found=found, page=page),
        "waits": waits(quote, outline, head),
        "can_edit": is_draft and user.has_perm("contracts.edit_quote"),
        **totals(quote, user),
    }


def chosen(request: HttpRequest) -> Wanted:
    """The filter that the address names; what makes no sense is left out."""
    given = {name: request.GET.get(name, "").strip()[:60] for name in ("q", "country", "product", "problem")}
    product = given["product"]
    return Wanted(
        text=given["q"], country=given["country"][:2].upper(),
        offering=int(product) if product.isdigit() and len(product) < LONGEST_KEY else None,
        problem=given["problem"] if given["problem"] in PROBLEMS else "",
    )  # fmt: skip


def filters(outline: Outline) -> dict[str, Any]:
    """What can be filtered by, with numbers."""
    return {
        "countries": [(code, countries.NAMES.get(code, code), n) for code, n in outline.countries().items() if code],
        "products": [(column.offering_id, column.name) for column in quotegrid.columns_of(outline)],
        "problems": [
            (kind, word, len(outline.lines_with(kind)) if kind != "any" else len(outline.wrong))
            for kind, word in PROBLEMS.items()
        ],
    }


def _page(request: HttpRequest, found: int) -> int:
    text = request.GET.get("page", "")
    last = max(1, -(-found // quoteoutline.ROWS))
    return min(max(1, int(text)), last) if text.isdigit() and len(text) < LONGEST_KEY else 1


def _query(request: HttpRequest) -> str:
    """The filter as the end of an address."""
    kept = {name: request.GET[name] for name in ("q", "country", "product", "problem") if request.GET.get(name)}
    return f"&{urlencode(kept)}" if kept else ""


def panel_context(request: HttpRequest, quote: Quote, line: QuoteLine) -> dict[str, Any]:
    """What the panel alone shows, without the grid beside it."""
    user = workspace.person(request)
    return {
        "quote": quote,
        "here": quote.get_absolute_url(),
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


def panel(line: QuoteLine, user: User, block: Block | None = None) -> dict[str, Any]:
    """The right-hand panel of one line; a `block` of the grid that the line is in spares reading it anew."""
    specifications = block.specifications if block else quotecompleteness.specifications_of([line])
    specification = specifications.get(line.offering.specification_id or 0)
    digits = money.digits(line.quote.currency)
    found = block.problems if block else quotecompleteness.of_lines(line.quote, [line])
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
        "charges": quotegrid.waterfall(quotepricing.charges_of(line), digits),
        "digits": digits,
        "line_discount": line.manual_discount,
        "members": bundlechoice.offered(line) if line.offering.kind == Offering.Kind.BUNDLE else [],
        "fixed": bundlelines.fixed(line),
        "part_of": line.parent.offering.name if line.parent else "",
        "saved_at": timezone.now(),
    }


def waits(quote: Quote, outline: Outline, head: list[Problem]) -> list[dict[str, str]]:
    """Why it cannot be submitted yet, a few words each with the place to go to."""
    here = quote.get_absolute_url()
    found = []
    for kind, one, many in ((quoteoutline.CELL, "cell to fix", "cells to fix"),
                            (quoteoutline.CHECK, "site check", "site checks")):  # fmt: skip
        if lines := outline.lines_with(kind):
            place = f"?line={lines[0]}" if len(lines) == 1 else f"?problem={kind}&line={lines[0]}"
            found.append({"text": f"{len(lines)} {one if len(lines) == 1 else many}", "url": f"{here}{place}"})
    gaps = sum(p.kind == "account" for p in head)
    if gaps:
        url = reverse("crm:account", args=[(quote.account.root or quote.account).number])
        found.append({"text": f"{gaps} gap{'' if gaps == 1 else 's'} of the customer", "url": url})
    found += [{"text": HEADS.get(p.field, p.text), "url": here} for p in head if p.kind == "quote"]
    return found


def columns_to_offer(quote: Quote) -> list[Offering]:
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
    table = decisions.judges([quoteapproval.TABLE]).get(quoteapproval.TABLE)
    return list(dict.fromkeys(str(row.get("role", "")).strip("'\"") for row in table.rows)) if table else []


def _people(roles: list[str]) -> dict[str, str]:
    """One person of each role; “any of 3” where there are more."""
    found: dict[str, list[str]] = {}
    rows = User.objects.filter(groups__name__in=roles, is_active=True)
    for role, *name in rows.values_list("groups__name", "first_name", "last_name", "username"):
        found.setdefault(role, []).append(" ".join(part for part in name[:2] if part) or name[2])
    return {role: names[0] if len(names) == 1 else f"any of {len(names)}" for role, names in found.items()}

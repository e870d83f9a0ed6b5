"""Site checks of a quote on one page: how far they are, what each said, and alternatives that are taken at once."""

from collections import Counter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from cmdb import feasibility
from cmdb.models import FeasibilityCheck
from contracts import quotechecks, quoting
from contracts.models import Quote, QuoteLine
from contracts.quoting import EditedMeanwhile
from contracts.views import quotescreen
from contracts.views.quotelines import WRITES
from kernel import htmx, workspace, writing
from kernel.refusal import Refusal

TEMPLATE = "contracts/quote_checks.html"
SHOWN = 200  # lines on the page, those with something to do first
Result = FeasibilityCheck.Result
FIRST = {Result.IMPOSSIBLE: 0, Result.OPEN: 1, Result.OFF_NET: 2, Result.NEAR_NET: 3, Result.ON_NET: 4}


@workspace.allowed("contracts.view_quote")
@require_safe
def page(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Every line that wants a check with its answer; while some are open the page looks again by itself."""
    quote = quotescreen.load(request, number, version)
    user = workspace.person(request)
    rows = QuoteLine.objects.filter(quote=quote, offering__needs_feasibility=True, site__isnull=False)
    counts: Counter[str] = Counter(
        result or "none" for result in rows.order_by().values_list("feasibility__result", flat=True)
    )
    lines = list(rows.select_related("site", "offering", "feasibility__pop").order_by("position", "id"))
    lines.sort(key=_rank)
    waiting = sum(1 for line in lines if line.feasibility and feasibility.waits(line.feasibility, line.characteristics))
    context = {
        "quote": quote, "here": quote.get_absolute_url(), "total": len(lines), "answered": len(lines) - waiting,
        "address": reverse("contracts:quote_checks", args=[quote.number, quote.version]), "waiting": waiting,
        "counts": [(label, counts.get(value, 0)) for value, label in Result.choices],
        "unasked": counts.get("none", 0), "rows": [_row(line) for line in lines[:SHOWN]],
        "more": max(0, len(lines) - SHOWN), "ready_on": quotechecks.ready_on(_leads(lines)),
        "can_edit": quote.state == Quote.State.DRAFT and user.has_perm("contracts.edit_quote"),
    }  # fmt: skip
    return htmx.respond(request, TEMPLATE, context, part="answers")


@workspace.allowed(*WRITES)
@require_POST
def take(request: HttpRequest, number: str, version: int, line_id: int) -> HttpResponse:
    """Take an alternative that a check proposes: the line gets its bandwidth and its site is checked for that."""
    quote = quotescreen.load(request, number, version)
    line = quotescreen.line_of(quote, line_id)
    wanted = request.POST.get("bandwidth", "")
    proposed = [str(one.get("bandwidth")) for one in (line.feasibility.alternatives if line.feasibility else [])]
    name = next((key for key in feasibility.BANDWIDTH if line.characteristics.get(key)), "")
    if wanted not in proposed or not name:
        raise Refusal("This alternative is not proposed any more; look at the check again.")
    edition = request.POST.get("edition", "")
    if edition and writing.whole(edition) != line.edition:
        raise EditedMeanwhile("Somebody else changed this line meanwhile; look at it again.")
    values = {**line.characteristics, name: wanted}
    quoting.configure(line_id=line.pk, values=values, edition=line.edition, by=workspace.person(request))
    back = request.POST.get("back", "")
    where = reverse("contracts:quote_checks", args=[quote.number, quote.version]) if back == "checks" else \
        f"{quote.get_absolute_url()}?line={line.pk}"  # fmt: skip
    return htmx.go(request, where, toast=f"{line.offering} at {line.site} has {wanted} now.")


def _rank(line: QuoteLine) -> tuple[int, int]:
    check = line.feasibility
    return (FIRST.get(Result(check.result), 5) if check else 0, line.position)


def _leads(lines: list[QuoteLine]) -> list[int | None]:
    return [line.feasibility.lead_days if line.feasibility else None for line in lines]


def _row(line: QuoteLine) -> dict[str, Any]:
    check = line.feasibility
    stale = check is not None and check.result not in (Result.OPEN, Result.IMPOSSIBLE) and not feasibility.still_valid(
        check, line.characteristics
    )  # fmt: skip
    return {"line": line, "check": check, "stale": stale}

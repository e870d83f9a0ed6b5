"""Why this price: every step of a line's charges for whoever may read the quote, as a page, JSON or CSV; its ramp."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from catalog import explaining, ramps
from catalog.explaining import Explained, Finder
from contracts import quotepricing, quoteramps
from contracts.models import LinePrice, Quote, QuoteLine
from contracts.views import quotescreen
from kernel import csvfile, htmx, workspace
from kernel.refusal import Refusal

BLANK = 3  # rows of a ramp that can be filled at once beyond those that there are


@workspace.allowed("contracts.view_quote")
@require_safe
def page(request: HttpRequest, number: str, version: int, line_id: int) -> HttpResponse:
    """The page; `?as=json` and `?as=csv` give the same, cost and margin only for who may see them."""
    quote = quotescreen.load(request, number, version)
    line = quotescreen.line_of(quote, line_id)
    charges = _explained(request, line)
    wanted = request.GET.get("as", "")
    if wanted == "json":
        return JsonResponse({**_head(quote, line), "charges": [charge.as_json() for charge in charges]})
    if wanted == "csv":
        return _as_csv(quote, charges)
    return shown(request, quote, line, charges)


@workspace.allowed("contracts.view_quote", "contracts.edit_quote")
@require_http_methods(["POST"])
def ramp(request: HttpRequest, number: str, version: int, line_id: int) -> HttpResponse:
    """Store the ramp of a line; rows without a month are left out."""
    quote = quotescreen.load(request, number, version)
    line = quotescreen.line_of(quote, line_id)
    rows = [
        {name: request.POST.get(f"ramp-{place}-{name}", "")[:12] for name in ("until", "percent", "quantity")}
        for place in range(ramps.MOST + 1)
    ]
    steps = [row for row in rows if any(text.strip() for text in row.values())]
    try:
        quoteramps.set_ramp(quote_id=quote.pk, line_ids=[line.pk], steps=steps, by=workspace.person(request))
    except (ramps.BadRamp, Refusal) as error:
        if error.status != Refusal.status:
            raise
        return shown(request, quote, line, _explained(request, line), steps=steps, problems=error.problems, status=422)
    said = "The ramp is stored." if steps else "The full price holds from the first month on."
    return htmx.go(request, url_of(quote, line), toast=said)


def shown(
    request: HttpRequest, quote: Quote, line: QuoteLine, charges: list[Explained], *,
    steps: list[dict[str, Any]] | None = None, problems: dict[str, list[str]] | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    """The page, with what was refused if something was."""
    user = workspace.person(request)
    can_edit = quote.state == Quote.State.DRAFT and user.has_perm("contracts.edit_quote")
    typed = line.ramp if steps is None else steps
    rows = [*typed, *({} for _ in range(BLANK if can_edit else 0))]
    read, term = ramps.read(line.ramp, ramps.LONGEST), quotepricing.term_of(quote, line)
    context = {
        "quote": quote, "line": line, "charges": charges, "currency": quote.currency,
        "rate": quotepricing.worded_rate(quote),
        "sees_cost": user.has_perm("contracts.view_margin"), "can_edit": can_edit,
        "ramp": ramps.worded(read, term), "term": term, "here": url_of(quote, line),
        "rows": [(place, row, _of_row(problems or {}, place)) for place, row in enumerate(rows)],
        "problems": problems or {}, "back": f"{quote.get_absolute_url()}?line={line.pk}",
    }  # fmt: skip
    return htmx.respond(request, "contracts/line_price.html", context, status=status)


def url_of(quote: Quote, line: QuoteLine) -> str:
    """Where the price of a line is explained."""
    return reverse("contracts:quote_price", args=[quote.number, quote.version, line.pk])


def _explained(request: HttpRequest, line: QuoteLine) -> list[Explained]:
    charges = quotepricing.charges_of(line)
    sees = workspace.person(request).has_perm("contracts.view_margin")
    known = line.offering.specification.characteristics.all() if line.offering.specification else ()
    return explaining.explain(charges, with_cost=sees, find=_finder(charges), known=known)


def _finder(charges: list[LinePrice]) -> Finder:
    below = explaining.finder(charges)

    def find(ref: str) -> str:
        kind, _, rest = ref.partition(":")
        return reverse("contracts:agreement_latest", args=[rest]) if kind == "agreement" else below(ref)

    return find


def _of_row(problems: dict[str, list[str]], place: int) -> dict[str, list[str]]:
    prefix = f"ramp-{place}-"
    return {name.removeprefix(prefix): texts for name, texts in problems.items() if name.startswith(prefix)}


def _head(quote: Quote, line: QuoteLine) -> dict[str, Any]:
    return {
        "quote": quote.number, "version": quote.version, "line": str(line.key), "offering": line.offering.key,
        "site": line.site.code if line.site else None, "currency": quote.currency,
        "rate": quotepricing.worded_rate(quote),
        "price_list": quote.price_list.name, "term_months": quotepricing.term_of(quote, line),
        "quantity": line.quantity, "characteristics": line.characteristics, "ramp": line.ramp,
    }  # fmt: skip


def _as_csv(quote: Quote, charges: list[Explained]) -> HttpResponse:
    sees = any(charge.cost is not None for charge in charges)
    head = ["charge", "currency", "step", "detail", "input", "rule", "before", "after", "amount"]
    rows: list[list[Any]] = [[*head, *(["cost", "margin"] if sees else [])]]
    for charge in charges:
        for step in charge.steps:
            row = [
                charge.label, quote.currency, step.label, step.detail, step.given, step.kind, step.before, step.after,
                charge.amount,
            ]  # fmt: skip
            more = [charge.cost, "" if charge.margin is None else charge.margin] if sees else []
            rows.append([*row, *more])
    return htmx.download("".join(csvfile.lines(rows)), f"{quote.number}-price.csv")

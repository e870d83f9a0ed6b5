"""Lines of a quote in the editor: the panel with its autosaving form, adding, copying, discounting, removing."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog import configuration
from catalog.bundling import BadBundle
from catalog.models import Offering
from contracts import bundlechoice, quotecopy, quoting
from contracts.forms.quotes import AddForm, DiscountForm, LineForm
from contracts.models import Quote, QuoteLine
from contracts.quoting import EditedMeanwhile, Typed
from contracts.views import quotescreen
from kernel import decisions, htmx, remembering, workspace, writing
from kernel.refusal import Refusal

WRITES = ("contracts.view_quote", "contracts.edit_quote")


@workspace.allowed("contracts.view_quote")
@require_safe
@decisions.holding()
@remembering.once()
def panel(request: HttpRequest, number: str, version: int, line_id: int) -> HttpResponse:
    """The panel of one line; without htmx the whole page with it open."""
    quote = quotescreen.load(request, number, version)
    line = quotescreen.line_of(quote, line_id)
    if not getattr(request, "htmx", False):
        return htmx.go(request, f"{quote.get_absolute_url()}?line={line.pk}")
    return render(request, f"{quotescreen.TEMPLATE}#panel", quotescreen.panel_context(request, quote, line))


def _changing(view: Callable[[HttpRequest, int, int], HttpResponse]) -> Callable[..., HttpResponse]:
    """A view that changes one line of a quote that its reader may see, told its key and the edition that was shown."""

    @workspace.allowed(*WRITES)
    @require_POST
    @decisions.holding()
    @remembering.once()
    @wraps(view)
    def opened(request: HttpRequest, number: str, version: int, line_id: int) -> HttpResponse:
        rows = Quote.objects.visible_to(workspace.person(request))
        if not rows.filter(number=number, version=version, lines=line_id).exists():
            raise Http404("There is no such line.")
        return view(request, line_id, _number(request.POST.get("edition", "")) or 0)

    return opened


@_changing
def configure(request: HttpRequest, line_id: int, edition: int) -> HttpResponse:
    """Store what the form says, right or wrong, and answer with the price and whatever else changed on the screen."""
    raw: dict[str, Any] = {}
    forms: list[LineForm] = []

    def read(line: QuoteLine) -> Typed:
        specification = line.offering.specification
        raw.update(configuration.posted(specification, request.POST, "c-") if specification else {})
        values, _ = configuration.clean(specification, raw, line.characteristics) if specification else ({}, {})
        forms.append(LineForm(request.POST, quote=line.quote))
        forms[0].is_valid()  # what is wrong with it is said beside what is kept
        return Typed(values, forms[0].cleaned_data.get("quantity"), forms[0].chosen())

    try:
        line = quoting.take(line_id=line_id, read=read, edition=edition, by=workspace.person(request))
    except EditedMeanwhile as error:
        stored = quotescreen.panel_context(request, *_read(request, line_id))
        return render(request, f"{quotescreen.TEMPLATE}#conflict", {**stored, "conflict": error.problems}, status=409)
    if not getattr(request, "htmx", False):
        return _saved(request, line)
    context = quotescreen.saved(request, line.quote, line)
    context["line_errors"] = forms[0].errors
    context["refields"] = set(raw) != {field.key for field in context["fields"]}
    return render(request, f"{quotescreen.TEMPLATE}#saved", context)


@_changing
def members(request: HttpRequest, line_id: int, edition: int) -> HttpResponse:
    """Store which members a bundle's line has, or say at each why that cannot be; nothing is stored then."""
    chosen = _chosen(request)
    try:
        line = bundlechoice.choose(line_id=line_id, chosen=chosen, edition=edition, by=workspace.person(request))
    except BadBundle as error:
        quote, line = _read(request, line_id)
        groups = bundlechoice.offered(line, chosen, error.problems)
        context = quotescreen.panel_context(request, quote, line) | {"members": groups}
        return render(request, f"{quotescreen.TEMPLATE}#members", context, status=422)
    if not getattr(request, "htmx", False):
        return _saved(request, line)
    return render(request, f"{quotescreen.TEMPLATE}#chosen", quotescreen.saved(request, line.quote, line))


def _read(request: HttpRequest, line_id: int) -> tuple[Quote, QuoteLine]:
    """A line, and the quote that it is of, as they are stored now."""
    number, version = Quote.objects.values_list("number", "version").get(lines=line_id)
    quote = quotescreen.load(request, number, version)
    return quote, quotescreen.line_of(quote, line_id)


def _saved(request: HttpRequest, line: QuoteLine) -> HttpResponse:
    return htmx.go(request, f"{line.quote.get_absolute_url()}?line={line.pk}", toast="Saved.")


@workspace.allowed(*WRITES)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Add an offering at sites: the dialog, the panel of an empty cell (`?offering=&site=`), and the act."""
    quote = quotescreen.load(request, number, version)
    form = AddForm(_data(request), quote=quote, by=workspace.person(request), initial=_start(request, quote))
    if request.method == "POST" and form.is_valid():
        offering, sites = form.cleaned_data["offering"], form.cleaned_data["sites"]
        try:
            made, refused = quoting.add_lines(
                quote_id=quote.pk, offering_id=offering.pk, by=workspace.person(request),
                site_ids=[site.pk for site in sites] if offering.needs_site else [],
            )  # fmt: skip
        except Refusal as error:
            if error.status != 422:
                raise
            for texts in error.problems.values():
                form.add_error(None, texts)
        else:
            count = sum(line.parent_id is None for line in made)
            said = f"{offering.name} added at {count} site{'' if count == 1 else 's'}."
            said += "".join(f" Not at {one.site}: {one.reason}" for one in refused[:3])
            where = f"?line={made[0].pk}" if made else ""
            return htmx.go(request, f"{quote.get_absolute_url()}{where}", toast=said)
    if request.method != "POST" and "site" in request.GET:
        return _empty_cell(request, quote)
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "contracts/quote_dialogs.html#add", {"form": form, "quote": quote}, status=status)


@workspace.allowed(*WRITES)
@require_http_methods(["GET", "HEAD", "POST"])
def copy(request: HttpRequest, number: str, version: int, line_id: int) -> HttpResponse:
    """Copy a line's configuration: the dialog with what it would change, and the act."""
    quote = quotescreen.load(request, number, version)
    line = quotescreen.line_of(quote, line_id)
    if request.method == "POST":
        sites = [int(key) for key in request.POST.getlist("site") if key.isdigit() and len(key) < 18]
        if not sites:
            raise Refusal(problems={"sites": ["Choose at least one site."]})
        done, refused = quoting.copy_to_sites(line_id=line.pk, site_ids=sites, by=workspace.person(request))
        said = f"Copied to {len(done)} site{'' if len(done) == 1 else 's'}."
        said += "".join(f" Not to {one.site}: {one.reason}" for one in refused[:3])
        return htmx.go(request, f"{quote.get_absolute_url()}?line={line.pk}", toast=said)
    context = {"quote": quote, "line": line, **quotecopy.preview(quote, line)}
    return render(request, "contracts/quote_dialogs.html#copy", context)


@workspace.allowed(*WRITES)
@require_http_methods(["GET", "HEAD", "POST"])
def discount(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Set the manual discount of the quote, or with `line` of one line."""
    quote = quotescreen.load(request, number, version)
    wanted = request.POST.get("line") or request.GET.get("line", "")
    line = quotescreen.line_of(quote, int(wanted)) if wanted.isdigit() and len(wanted) < 18 else None
    now = quote.manual_discount if line is None or line.manual_discount is None else line.manual_discount
    form = DiscountForm(_data(request), initial={"percent": now})
    if request.method == "POST" and form.is_valid() and _discounted(request, quote, line, form):
        where = f"?line={line.pk}" if line else ""
        return htmx.go(request, f"{quote.get_absolute_url()}{where}", toast="Discount stored, prices worked out anew.")
    status = 422 if form.is_bound and form.errors else 200
    context = {"form": form, "quote": quote, "line": line}
    return render(request, "contracts/quote_dialogs.html#discount", context, status=status)


@workspace.allowed(*WRITES)
@require_POST
def remove(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Remove one line, or all lines of the chosen sites."""
    quote = quotescreen.load(request, number, version)
    keys = {
        name: [int(k) for k in request.POST.getlist(name) if k.isdigit() and len(k) < 18] for name in ("line", "site")
    }
    lines = QuoteLine.objects.filter(quote=quote)
    chosen = lines.filter(pk__in=keys["line"]) if keys["line"] else lines.filter(site__in=keys["site"])
    number_of = quoting.remove_lines(
        quote_id=quote.pk, line_ids=list(chosen.values_list("pk", flat=True)), by=workspace.person(request)
    )
    if not number_of:
        raise Refusal("Choose a cell or tick sites first.")
    said = f"{number_of} line{'' if number_of == 1 else 's'} removed."
    return htmx.go(request, quote.get_absolute_url(), toast=said)


def _discounted(request: HttpRequest, quote: Quote, line: QuoteLine | None, form: DiscountForm) -> bool:
    """Set the discount; what the act refuses stands at the field."""
    try:
        quoting.set_discount(
            quote_id=quote.pk, percent=form.cleaned_data["percent"], by=workspace.person(request),
            line_ids=[line.pk] if line else None,
        )  # fmt: skip
    except Refusal as error:
        if "manual_discount" not in error.problems:
            raise
        form.add_error("percent", error.problems["manual_discount"])
    return not form.errors


def _data(request: HttpRequest) -> Any:
    """What was posted, also when it is nothing at all."""
    return request.POST if request.method == "POST" else None


def _chosen(request: HttpRequest) -> dict[str, int]:
    """Member → how many, from fields such as m-dia=1; of a choice from g-protection=firewall."""
    found = {key: 1 for name in request.POST if name.startswith("g-") for key in request.POST.getlist(name) if key}
    for name in request.POST:
        if name.startswith("m-"):
            found[name[2:]] = _number(request.POST[name]) or 0
    return found


def _empty_cell(request: HttpRequest, quote: Quote) -> HttpResponse:
    keys = {name: request.GET.get(name, "") for name in ("offering", "site")}
    if not all(key.isdigit() and len(key) < 18 for key in keys.values()):
        raise Http404("There is no such cell.")
    offering = get_object_or_404(Offering.objects.filter(state="active", sellable=True), pk=keys["offering"])
    site = get_object_or_404(quoting.sites_of(quote), pk=keys["site"]) if offering.needs_site else None
    if not getattr(request, "htmx", False):
        return htmx.go(request, quote.get_absolute_url())
    refused = quoting.refused_at(offering, site) if site else []
    context = {"quote": quote, "offering": offering, "site": site, "can_edit": True, "refused": refused}
    return render(request, f"{quotescreen.TEMPLATE}#empty", context)


def _start(request: HttpRequest, quote: Quote) -> dict[str, Any]:
    """The offering that was asked for, or the first that the opportunity speaks of; a customer's only site."""
    start: dict[str, Any] = {}
    if writing.whole(request.GET.get("offering", "")):
        start["offering"] = request.GET["offering"]
    elif spoken_of := quotescreen.columns_to_offer(quote):
        start["offering"] = spoken_of[0].pk
    sites = list(quoting.sites_of(quote).values_list("pk", flat=True)[:2])
    return {**start, "sites": sites} if len(sites) == 1 else start


def _number(text: str) -> int | None:
    try:
        number = Decimal(writing.typed(text))
    except InvalidOperation:
        return None
    return int(number) if number.is_finite() and 0 <= number < 1_000_000 else None


def line_url(quote: Quote, line: QuoteLine) -> str:
    """Where a line's panel is."""
    return reverse("contracts:quote_line", args=[quote.number, quote.version, line.pk])

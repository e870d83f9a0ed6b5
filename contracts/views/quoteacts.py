"""Acts on a whole quote: terms, checks, submission, versions, comparison."""

from typing import Any

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contracts import quoteapproval, quotechecks, quotepayments, quoteversions, quoting
from contracts.forms.quotes import AlternativeForm, TermsForm, VersionForm
from contracts.models import Quote, QuoteLine
from contracts.quoteapproval import Incomplete
from contracts.views import quotescreen
from contracts.views.quotelines import WRITES
from kernel import htmx, workspace

DIALOGS = "contracts/quote_dialogs.html"


def _data(request: HttpRequest) -> Any:
    """What was posted, also when it is nothing at all."""
    return request.POST if request.method == "POST" else None


@workspace.allowed(*WRITES)
@require_http_methods(["GET", "HEAD", "POST"])
def terms(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Change title, term and validity; `note` alone is autosaved from the panel."""
    quote = quotescreen.load(request, number, version)
    user = workspace.person(request)
    if request.method == "POST" and set(request.POST) <= {"note", "csrfmiddlewaretoken"}:
        note = request.POST.get("note", "").replace("\x00", "")[:2000]
        quoting.set_terms(quote_id=quote.pk, by=user, note_for_approver=note)
        return HttpResponse(status=204)
    form = TermsForm(_data(request), instance=quote)
    if request.method == "POST" and form.is_valid():
        quoting.set_terms(quote_id=quote.pk, by=user, **form.cleaned_data)
        return htmx.go(request, quote.get_absolute_url(), toast="Terms stored, prices worked out anew.")
    status = 422 if form.is_bound and form.errors else 200
    return render(request, f"{DIALOGS}#terms", {"form": form, "quote": quote}, status=status)


@workspace.allowed(*WRITES)
@require_POST
def check(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Ask for every site check that is missing or too old."""
    quote = quotescreen.load(request, number, version)
    asked = quotechecks.check(quote_id=quote.pk, by=workspace.person(request))
    said = f"{asked} site{'' if asked == 1 else 's'} checked." if asked else "Every check still holds."
    return htmx.go(request, reverse("contracts:quote_checks", args=[quote.number, quote.version]), toast=said)


@workspace.allowed(*WRITES)
@require_POST
def submit(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Freeze the version and ask for approval; everything missing comes back at once."""
    quote = quotescreen.load(request, number, version)
    note = request.POST.get("note", "").replace("\x00", "")[:2000]
    try:
        made = quoteapproval.submit(quote_id=quote.pk, by=workspace.person(request), note=note)
    except Incomplete as error:
        quote = quotescreen.load(request, number, version)
        context = quotescreen.context(request, quote)
        context |= {"problems": error.found, "refused": True}
        return htmx.respond(request, quotescreen.TEMPLATE, context, part="refusal", status=422)
    said = "Submitted; no rule asks for an approval." if made.state == Quote.State.APPROVED else "Submitted for review."
    return htmx.go(request, made.get_absolute_url(), toast=said)


@workspace.allowed(*WRITES)
@require_http_methods(["GET", "HEAD", "POST"])
def version(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Make the next version of this one."""
    quote = quotescreen.load(request, number, version)
    form = VersionForm(_data(request))
    if request.method == "POST" and form.is_valid():
        made = quoteversions.new_version(
            quote_id=quote.pk, by=workspace.person(request), wish=form.cleaned_data["wish"]
        )
        return htmx.go(request, made.get_absolute_url(), toast=f"Version {made.version} is a draft.")
    return render(request, f"{DIALOGS}#version", {"form": form, "quote": quote})


@workspace.allowed(*WRITES)
@require_http_methods(["GET", "HEAD", "POST"])
def alternative(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Make an alternative of this quote, to be offered beside it."""
    quote = quotescreen.load(request, number, version)
    form = AlternativeForm(_data(request), initial={"title": f"{quote.title}, alternative"[:120]})
    if request.method == "POST" and form.is_valid():
        made = quoteversions.alternative(
            quote_id=quote.pk, by=workspace.person(request), title=form.cleaned_data["title"]
        )
        return htmx.go(request, made.get_absolute_url(), toast=f"{made.number} is an alternative to {quote.number}.")
    status = 422 if form.is_bound and form.errors else 200
    return render(request, f"{DIALOGS}#alternative", {"form": form, "quote": quote}, status=status)


@workspace.allowed("contracts.view_quote")
@require_safe
def alternatives(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """A quote and its alternatives side by side."""
    quote = quotescreen.load(request, number, version)
    seen = set(Quote.objects.visible_to(workspace.person(request)).filter(
        account=quote.account_id).values_list("pk", flat=True))  # fmt: skip
    found = [one for one in quoteversions.alternatives_of(quote) if one.pk in seen]
    rows = QuoteLine.objects.filter(quote__in=found, parent=None).values_list("quote_id")
    counts = {pk: (n, sites) for pk, n, sites in rows.annotate(Count("id"), Count("site", distinct=True))}
    shown = [
        {"quote": one, "figures": quoteapproval.figures(one), "lines": counts.get(one.pk, (0, 0))[0],
         "sites": counts.get(one.pk, (0, 0))[1], "change": one.monthly - quote.monthly}
        for one in found
    ]  # fmt: skip
    return render(request, "contracts/quote_alternatives.html", {"quote": quote, "shown": shown})


@workspace.allowed("contracts.view_quote")
@require_safe
def payments(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """What each month and year of the term comes to, with ramps and the lines' own terms."""
    quote = quotescreen.load(request, number, version)
    context = {"quote": quote, "payments": quotepayments.of(quote), "here": quote.get_absolute_url()}
    return render(request, "contracts/quote_payments.html", context)


@workspace.allowed("contracts.view_quote")
@require_safe
def compare(request: HttpRequest, number: str, version: int, other: int) -> HttpResponse:
    """Two versions line by line; `other` is the older one."""
    new = quotescreen.load(request, number, version)
    rows = Quote.objects.visible_to(workspace.person(request)).select_related(*quotescreen.RELATED)
    beside = request.GET.get("of", "")[:20] or number
    old = get_object_or_404(rows, number=beside, version=other)
    if old.number != new.number and old.number not in {one.number for one in quoteversions.alternatives_of(new)}:
        raise Http404("There is no such alternative.")
    if old.number == new.number and old.version > new.version:
        old, new = new, old
    context = {"comparison": quoteversions.compare(old, new), "quote": new, "versions": quoteversions.versions_of(new)}
    return render(request, "contracts/quote_compare.html", context)

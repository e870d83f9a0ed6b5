"""Quotes: the list, opening one, the editor, an opportunity's panel."""

from typing import Any

import django_filters
import django_tables2
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_safe

from contracts import quoting
from contracts.forms.quotes import NewQuoteForm
from contracts.models import Quote
from contracts.views import quotescreen
from crm.models import Opportunity
from kernel import htmx, tables, workspace, writing
from kernel.refusal import Refusal

SHOWN = 8


class QuoteTable(django_tables2.Table):
    """Columns of the list."""

    title = tables.Name(
        url="contracts:quote",
        arg=("number", "version"),
        sub=lambda record: f"{record.number}, version {record.version}",
        verbose_name="Quote",
    )
    account = tables.Text(accessor="account__name", verbose_name="Customer", order_by="account__name")
    state = tables.State(verbose_name="State")
    monthly = tables.Money(verbose_name="Per month")
    one_time = tables.Money(verbose_name="One-time", optional=True)
    valid_until = tables.Date(verbose_name="Valid until", optional=True)
    owner = tables.Text(accessor="owner", verbose_name="Owner", order_by="owner__last_name", optional=True)


class QuoteFilters(django_filters.FilterSet):
    """Chips of the list."""

    state = tables.States(Quote, label="State")
    owner = tables.Records("crm.seller", label="Owner")

    class Meta:
        model = Quote
        fields: list[str] = []


class Quotes(tables.ListPage):
    """All quotes, the newest first."""

    title = "Quotes"
    lead = "Offers to customers, site by site."
    model = Quote
    table = QuoteTable
    filters = QuoteFilters
    search = ("number", "title", "account__name")
    sort = "-created_at"
    related = ("account", "owner")
    empty = tables.Empty(
        "file-text", "No quotes yet", "A quote turns an opportunity into an offer with a price for each site."
    )
    new = tables.New("New quote", "contracts:quote_new", "contracts.edit_quote")


@workspace.allowed("contracts.view_quote")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list."""
    return tables.show(request, Quotes)


@workspace.allowed("contracts.view_quote", "contracts.edit_quote")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Open one; `?opportunity=`, `?account=` and `?agreement=` fill the form."""
    user = workspace.person(request)
    names = ("opportunity", "account", "agreement")
    start = {name: request.GET[name] for name in names if writing.whole(request.GET.get(name, ""))}
    form = NewQuoteForm(request.POST if request.method == "POST" else None, user=user, initial=start)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        keys = {f"{name}_id": values[name].pk for name in names if values[name]}
        try:
            made = quoting.create(by=user, title=values["title"], term_months=values["term_months"], **keys)
        except Refusal as error:
            for field, texts in error.problems.items():
                form.add_error(field if field in form.fields else None, texts)
        else:
            return htmx.go(request, made.get_absolute_url(), toast=f"{made.number} opened.")
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "contracts/quote_form.html", {"form": form}, status=status)


@workspace.allowed("contracts.view_quote")
@require_safe
def latest(request: HttpRequest, number: str) -> HttpResponse:
    """The newest version under a number."""
    rows = Quote.objects.visible_to(workspace.person(request)).filter(number=number).order_by("-version")
    found = rows.first()
    if found is None:
        raise Http404("There is no such quote.")
    return htmx.go(request, found.get_absolute_url())


@workspace.allowed("contracts.view_quote")
@require_safe
def page(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """The editor; `?line=` opens the panel of a line."""
    quote = quotescreen.load(request, number, version)
    wanted = request.GET.get("line", "")
    active = int(wanted) if wanted.isdigit() and len(wanted) < 18 else None
    return render(request, quotescreen.TEMPLATE, quotescreen.context(request, quote, active=active))


@workspace.allowed("contracts.view_quote")
@require_safe
def rows(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """A further block of the grid; without htmx the page that shows it."""
    quote = quotescreen.load(request, number, version)
    if not getattr(request, "htmx", False):
        return htmx.go(request, f"{quote.get_absolute_url()}?{request.GET.urlencode()}")
    return render(request, "contracts/quote_grid.html#further", quotescreen.rows(request, quote, continued=True))


@workspace.allowed("contracts.view_quote")
@require_safe
def of_opportunity(request: HttpRequest, pk: int) -> HttpResponse:
    """The quotes of an opportunity, for its page."""
    user = workspace.person(request)
    opportunity = get_object_or_404(Opportunity.objects.visible_to(user), pk=pk)
    quotes = Quote.objects.visible_to(user).filter(opportunity=opportunity).order_by("-id")[:SHOWN]
    context: dict[str, Any] = {"opportunity": opportunity, "quotes": quotes}
    return render(request, "contracts/quote_of_opportunity.html", context)

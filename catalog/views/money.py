"""Currencies and rules: exchange rates by day, rounding, margin floors, proration; and the book of costs."""

from typing import Any

import django_filters
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from catalog import explaining, moneykeeping
from catalog import pricequeries as queries
from catalog.forms.prices import CurrencyForm, FloorForm, ProrationForm, RateForm
from catalog.models import CurrencyRule, ExchangeRate, MarginFloor, PriceEntry, ProrationRule
from catalog.views import tabs
from kernel import htmx, tables
from kernel.refusal import Refusal
from kernel.workspace import allowed, person

SEES = "catalog.view_exchangerate"
# what → its form, its model, the right to add one, the title of the dialog
KINDS: dict[str, tuple[Any, Any, str, str]] = {
    "rate": (RateForm, ExchangeRate, "catalog.add_exchangerate", "Add an exchange rate"),
    "rounding": (CurrencyForm, CurrencyRule, "catalog.add_currencyrule", "Add a rounding rule"),
    "floor": (FloorForm, MarginFloor, "catalog.add_marginfloor", "Add a margin floor"),
    "proration": (ProrationForm, ProrationRule, "catalog.add_prorationrule", "Add a proration rule"),
}


@allowed(SEES)
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """What holds today, and what was before."""
    user = person(request)
    today = timezone.localdate()
    rates = list(ExchangeRate.objects.all()[:200])
    rules = list(CurrencyRule.objects.all()[:100])
    sees_floors = user.has_perm("catalog.view_marginfloor")
    context = {
        "tabs": tabs.of(request, "money", tabs.PRICES), "today": today,
        "rates": [
            (one, stands, queries.digits_of(one.rate))
            for one, stands in queries.holding(rates, lambda one: (one.source, one.target), today)
        ],
        "rules": queries.holding(rules, lambda one: one.currency, today),
        "prorations": queries.holding(
            list(ProrationRule.objects.all()[:100]), lambda one: (one.country, one.currency), today
        ),
        "floors": list(MarginFloor.objects.all()) if sees_floors else None,
        "may": {kind: user.has_perm(right) for kind, (_, _, right, _) in KINDS.items()},
    }  # fmt: skip
    return htmx.respond(request, "catalog/money.html", context)


@allowed(SEES)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, kind: str) -> HttpResponse:
    """Add one, in a dialog; what is stored with a day is never changed, the next one follows it."""
    if kind not in KINDS:
        raise Http404("There is no such list.")
    form_class, model, right, title = KINDS[kind]
    user = person(request)
    moneykeeping.require(user, right)
    form = form_class(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            moneykeeping.keep(model(**form.cleaned_data), by=user)
        except Refusal as error:
            for name, texts in error.problems.items():
                for text in texts:
                    form.add_error(name if name in form.fields else None, text)
        else:
            return htmx.go(request, "catalog:money", toast="Kept.")
    status = 422 if form.is_bound and form.errors else 200
    context = {"form": form, "url": request.path, "title": title, "word": "Keep", "hidden": {}}
    return htmx.respond(request, "components/dialog_form.html", context, status=status)


class Margin(tables.Text):
    """What the list price leaves over the cost."""

    css = "n"

    def shown(self, value: Any, record: Any) -> Any:
        found = explaining.margin(record.price, record.amount) if record.price is not None else None
        return "–" if found is None else f"{found} %"


class CostTable(tables.Table):
    """Columns of the cost book."""

    offering = tables.Name(
        url=queries.book_url, sub=lambda one: queries.when_words(one.when), verbose_name="Offering",
        order_by="offering__name",
    )  # fmt: skip
    label = tables.Text(verbose_name="Of the price", sub=lambda one: one.get_charge_display())
    price_list = tables.Text(accessor="price_list__name", order_by="price_list__name", optional=True)
    amount = tables.Money(currency="price_list__currency", verbose_name="Cost")
    price = tables.Money(currency="price_list__currency", verbose_name="List price", orderable=False, optional=True)
    margin = Margin(verbose_name="Margin at list", orderable=False, empty_values=())


class CostFilter(tables.Filters):
    """Chips of the cost book."""

    charge = django_filters.AllValuesFilter(label="Charge", empty_label="All")

    class Meta:
        model = PriceEntry
        fields = ["price_list"]


class Costs(tables.ListPage):
    """The list."""

    title = "Prices"
    lead = "what things cost us, and what the list price leaves over it"
    model = PriceEntry
    table = CostTable
    filters = CostFilter
    search = ("offering__name", "label")
    search_label = "Offering"
    sort = "offering"
    related = ("offering", "price_list")
    empty = tables.Empty(
        "coin", "No costs yet", "Costs make margins: add them in the price book of an offering.", "To the price lists",
        "catalog:price_lists",
    )  # fmt: skip

    def rows(self) -> Any:
        """Costs with the list price for the same values."""
        return queries.costs()


@allowed("catalog.view_pricelist", "catalog.view_cost")
@require_safe
def costs(request: HttpRequest) -> HttpResponse:
    """The book of costs."""
    return tables.show(request, Costs, "catalog/prices.html", {"tabs": tabs.of(request, "costs", tabs.PRICES)})

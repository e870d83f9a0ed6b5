"""Price lists: all of them, one with what it prices, the price book of an offering in it."""

from typing import Any

import django_filters
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog import entries, pricelists
from catalog import pricequeries as queries
from catalog.forms.prices import CopyForm, EntryForm, PriceListForm
from catalog.models import Offering, PriceEntry, PriceList
from catalog.views import tabs
from kernel import editing, htmx, tables
from kernel.refusal import NotPermitted, Refusal
from kernel.workspace import allowed, person

SEES, CHANGES, COST = "catalog.view_pricelist", "catalog.change_pricelist", "catalog.view_cost"
CRUMBS = [("Prices", "catalog:price_lists")]


class ListTable(tables.Table):
    """Columns of the list."""

    name = tables.Name(url="catalog:price_list", arg="key", sub="key", verbose_name="Price list")
    currency = tables.Text()
    segment = tables.Text(verbose_name="For", sub=lambda one: "" if one.segment else "every segment")
    valid_from = tables.Date(verbose_name="Holds from")
    valid_until = tables.Date(verbose_name="Until", optional=True)


class ListFilter(tables.Filters):
    """Chips of the list."""

    currency = django_filters.AllValuesFilter(label="Currency", empty_label="All")

    class Meta:
        model = PriceList
        fields: list[str] = []


class Lists(tables.ListPage):
    """The list."""

    title = "Prices"
    lead = "lists by currency, segment and date; what they say is explained on every quote"
    model = PriceList
    table = ListTable
    filters = ListFilter
    search = ("name", "key")
    sort = "-valid_from"
    empty = tables.Empty(
        "coin", "No price list yet", "A list holds the prices of one currency for one segment from a day on."
    )
    new = tables.New("New price list", "catalog:price_list_new", "catalog.add_pricelist")


@allowed(SEES)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list."""
    return tables.show(request, Lists, "catalog/prices.html", {"tabs": tabs.of(request, "lists", tabs.PRICES)})


@allowed(SEES, "catalog.add_pricelist")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A new list."""
    return _head(request, None)


@allowed(SEES, CHANGES)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """The head of a list."""
    return _head(request, _list(request, key))


@allowed(SEES)
@require_safe
def page(request: HttpRequest, key: str) -> HttpResponse:
    """One list with what it prices."""
    return _page(request, _list(request, key), CopyForm())


@allowed(SEES, CHANGES)
@require_POST
def copy(request: HttpRequest, key: str) -> HttpResponse:
    """Fill an empty list with the prices of another one."""
    target = _list(request, key)
    form = CopyForm(request.POST)
    if form.is_valid():
        try:
            count = pricelists.copy_prices(source=form.cleaned_data["source"], target=target, by=person(request))
        except Refusal as error:
            form.add_error("source", str(error))
        else:
            return htmx.go(request, "catalog:price_list", key, toast=f"{count} prices copied.")
    return _page(request, target, form, status=422)


@allowed(SEES)
@require_safe
def book(request: HttpRequest, key: str, offering: str) -> HttpResponse:
    """All that prices one offering in one list."""
    user = person(request)
    price_list, sold = _list(request, key), _offering(request, offering)
    sees_cost = user.has_perm(COST)
    rows = queries.book(price_list, sold, with_costs=sees_cost)
    context = {
        "record": price_list, "offering": sold, "prices": [r for r in rows if not r.entry.is_cost],
        "costs": [r for r in rows if r.entry.is_cost], "sees_cost": sees_cost, "may_change": user.has_perm(CHANGES),
        "rules": queries.rules_of(price_list, sold), "matrices": queries.matrices_of(price_list, sold),
        "crumbs": [(label, reverse(name)) for label, name in CRUMBS]
        + [(price_list.name, reverse("catalog:price_list", args=[price_list.key]))],
    }  # fmt: skip
    return htmx.respond(request, "catalog/price_book.html", context)


@allowed(SEES, CHANGES)
@require_http_methods(["GET", "HEAD", "POST"])
def entry(request: HttpRequest, key: str, offering: str, pk: int = 0) -> HttpResponse:
    """Add a price or change one, in a dialog; `?cost=1` is about a cost."""
    price_list, sold = _list(request, key), _offering(request, offering)
    found = get_object_or_404(_entries(request), pk=pk, price_list=price_list, offering=sold) if pk else None
    is_cost = found.is_cost if found else "cost" in (request.POST if request.method == "POST" else request.GET)
    if is_cost and not person(request).has_perm(COST):
        raise NotPermitted("Your roles do not include the right to see costs.")
    instance = found or PriceEntry(charge="recurring", label="Monthly")
    data = request.POST if request.method == "POST" else None
    form = EntryForm(data, instance=instance, offering=sold, currency=price_list.currency)
    if request.method == "POST" and form.is_valid():
        try:
            entries.keep(
                price_list=price_list, offering=sold, values=form.asked(), by=person(request), is_cost=is_cost,
                pk=found.pk if found else None,
            )  # fmt: skip
        except Refusal as error:
            form.take(error)
        else:
            return htmx.go(request, "catalog:price_book", key, offering, toast="Kept. New prices follow it.")
    word = "cost" if is_cost else "price"
    context = {
        "form": form, "url": request.path, "title": f"{'Change' if found else 'Add'} a {word} of {sold.name}",
        "word": "Keep", "hidden": {"cost": "1"} if is_cost else {},
    }  # fmt: skip
    status = 422 if form.is_bound and form.errors else 200
    return htmx.respond(request, "components/dialog_form.html", context, status=status)


@allowed(SEES, CHANGES)
@require_POST
def drop(request: HttpRequest, key: str, offering: str, pk: int) -> HttpResponse:
    """Take a price out."""
    price_list, sold = _list(request, key), _offering(request, offering)
    found = get_object_or_404(_entries(request), pk=pk, price_list=price_list, offering=sold)
    entries.drop(entry=found, by=person(request))
    return htmx.go(request, "catalog:price_book", key, offering, toast="Taken out. Quotes keep what they stored.")


def _page(request: HttpRequest, record: PriceList, form: CopyForm, status: int = 200) -> HttpResponse:
    user = person(request)
    priced = queries.priced(record, with_costs=user.has_perm(COST))
    context = {
        "record": record, "title": record.name, "crumbs": [(label, reverse(name)) for label, name in CRUMBS],
        "priced": priced, "unpriced": queries.unpriced(record), "matrices": queries.matrices_of(record),
        "form": form, "may_change": user.has_perm(CHANGES), "sees_cost": user.has_perm(COST),
        "holds": record in pricelists.standing(timezone.localdate()), "today": timezone.localdate(),
    }  # fmt: skip
    return htmx.respond(request, "catalog/price_list.html", context, status=status)


def _head(request: HttpRequest, record: PriceList | None) -> HttpResponse:
    start = {} if record else {"valid_from": timezone.localdate(), "currency": settings.HOME_CURRENCY}
    form: Any = PriceListForm(request.POST if request.method == "POST" else None, instance=record, initial=start)
    if request.method == "POST" and form.is_valid():
        text = request.POST.get("edition", "")
        edition = int(text) if text.isdecimal() and len(text) < 10 else 0
        values = {name: form.cleaned_data[name] for name in pricelists.FIELDS}
        try:
            kept = pricelists.keep(by=person(request), values=values, pk=record.pk if record else None, edition=edition)
        except editing.Changed as error:
            form.add_error(None, str(error))
        except Refusal as error:
            form.take(error)
        else:
            return htmx.go(request, "catalog:price_list", kept.key, toast=f"{kept.name} is kept.")
    status = 422 if form.is_bound and form.errors else 200
    context = {
        "form": form,
        "record": record,
        "edition": request.POST.get("edition") or (record.edition if record else ""),
    }
    return htmx.respond(request, "catalog/price_list_form.html", context, status=status)


def _list(request: HttpRequest, key: str) -> PriceList:
    found: PriceList = get_object_or_404(PriceList.objects.visible_to(person(request)), key=key)
    return found


def _offering(request: HttpRequest, key: str) -> Offering:
    """The version in force, else the newest. Raises Http404."""
    rows = Offering.objects.visible_to(person(request)).filter(key=key).select_related("specification")
    active = rows.filter(state="active").first()
    found: Offering = active or get_object_or_404(rows.order_by("-version")[:1])
    return found


def _entries(request: HttpRequest) -> Any:
    """Prices, and costs only with the right to see them."""
    rows = PriceEntry.objects.all()
    return rows if person(request).has_perm(COST) else rows.filter(is_cost=False)

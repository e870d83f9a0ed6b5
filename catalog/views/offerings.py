"""The catalogue to look at: what is sold, and one offering with its characteristics, prices and rules."""

import django_filters
import django_tables2
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog import queries
from catalog.models import Category, Offering
from kernel import tables, workspace


class OfferingTable(django_tables2.Table):
    """Columns of the list."""

    name = tables.Name(
        url="catalog:offering", arg="key", sub=lambda record: record.description or record.key, verbose_name="Offering"
    )
    category = tables.Text(accessor="category__name", verbose_name="Category", order_by="category__position")
    specification = tables.Text(
        accessor="specification__name", verbose_name="Specification", order_by="specification__name", optional=True
    )
    kind = tables.Text(accessor="get_kind_display", verbose_name="Kind", order_by="kind", optional=True)
    state = tables.State(verbose_name="State")
    version = tables.Number(verbose_name="Version", optional=True)


class OfferingFilters(django_filters.FilterSet):
    """Chips of the list."""

    category = django_filters.ModelChoiceFilter(queryset=Category.objects.all(), label="Category")
    kind = tables.Choices(choices=Offering.Kind.choices, label="Kind")
    state = tables.Choices(choices=Offering.State.choices, label="State")

    class Meta:
        model = Offering
        fields: list[str] = []


class Offerings(tables.ListPage):
    """All offerings."""

    title = "Catalogue"
    lead = "What can be sold, how it is configured and what it costs."
    model = Offering
    table = OfferingTable
    filters = OfferingFilters
    search = ("name", "key", "description")
    sort = "name"
    related = ("category", "specification")
    empty = tables.Empty("books", "The catalogue is empty", "Import one: manage.py catalogue import FILE.")


@workspace.allowed("catalog.view_offering")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list."""
    return tables.show(request, Offerings)


@workspace.allowed("catalog.view_offering")
@require_safe
def page(request: HttpRequest, key: str) -> HttpResponse:
    """The version in force, else the newest; `?version=` shows another. Costs only for who keeps prices."""
    user = workspace.person(request)
    rows = Offering.objects.visible_to(user).filter(key=key).select_related("category", "specification")
    versions = list(rows.order_by("-version"))
    wanted = request.GET.get("version", "")
    shown = next((one for one in versions if str(one.version) == wanted), None)
    offering = shown or next((one for one in versions if one.state == "active"), None) or next(iter(versions), None)
    if offering is None:
        raise Http404("There is no such offering.")
    context = {
        "record": offering,
        "versions": versions,
        "characteristics": queries.characteristics(offering.specification),
        "prices": queries.prices(offering, with_costs=user.has_perm("catalog.change_priceentry")),
        "adjustments": queries.adjustments(offering),
        "dependencies": queries.dependencies(offering.specification),
        "realisation": queries.realisation(offering.specification),
        "items": list(offering.items.select_related("member")),
        "entitled": list(offering.entitled_to.all()),
    }
    return render(request, "catalog/offering.html", context)

"""The catalogue to look at: its shelves, what is sold, and one offering with everything that belongs to it."""

from typing import Any

import django_filters
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from catalog import consistency, differences, drafting, pricelists, queries
from catalog.forms.drafts import OfferingForm
from catalog.models import Category, Offering, PriceList
from catalog.views import tabs
from kernel import amending, htmx, tables, workspace
from kernel.models import User

CHANGES, PUBLISHES, PRICES = "catalog.change_offering", "catalog.publish_catalogue", "catalog.change_pricelist"
LISTS = 4  # price lists that an offering without a price points to


class OfferingTable(tables.Table):
    """Columns of the list."""

    name = tables.Name(
        url=lambda row: row.get_absolute_url(), sub=lambda row: row.description or row.key, verbose_name="Offering"
    )
    category = tables.Text(accessor="category__name", verbose_name="Shelf", order_by="category__position")
    specification = tables.Text(
        accessor="specification__name", verbose_name="Specification", order_by="specification__name", optional=True
    )
    kind = tables.Text(accessor="get_kind_display", verbose_name="Kind", order_by="kind", optional=True)
    state = tables.State(verbose_name="State")
    version = tables.Number(verbose_name="Version", optional=True)


class OfferingFilters(django_filters.FilterSet):
    """Chips of the list."""

    category = django_filters.ModelChoiceFilter(queryset=Category.objects.all(), label="Shelf", empty_label="All")
    kind = tables.Choices(choices=Offering.Kind.choices, label="Kind")
    state = tables.States(Offering, label="State", before=[("open", "Being made")], method="by_state")

    class Meta:
        model = Offering
        fields: list[str] = []

    def by_state(self, rows: Any, name: str, value: str) -> Any:
        """One state, or everything on its way."""
        return rows.filter(state__in=drafting.OPEN if value == "open" else [value])


EDITS = amending.Edits(
    OfferingForm, ("name", "short_name", "description", "position", "valid_from", "valid_until", "note"), CHANGES,
    lambda pk, edition, by, **values: drafting.change(Offering, pk, edition=edition, values=values, by=by),
    key="pk", why_not=drafting.why_not,
)  # fmt: skip


class Offerings(tables.ListPage):
    """All offerings; retired ones only when they are asked for."""

    title = "Catalogue"
    lead = "what is sold, how it is configured, what it costs and what it is made of"
    model = Offering
    table = OfferingTable
    filters = OfferingFilters
    search = ("name", "key", "description")
    search_label = "Name or key"
    sort = "name"
    related = ("category", "specification")
    edits = EDITS
    new = tables.New("New offering", "catalog:offering_new", CHANGES)
    empty = tables.Empty(
        "books", "The catalogue is empty",
        "An offering is what a customer can buy. Make one, or import a catalogue file.", "Import a file",
        "catalog:exchange",
    )  # fmt: skip

    def rows(self) -> Any:
        """What is sold or on its way, unless a state is asked for."""
        rows = super().rows()
        return rows if self.request.GET.get("state") else rows.exclude(state="retired")


@workspace.allowed("catalog.view_offering")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list under its shelves."""
    seen = Q(offerings__in=Offering.objects.visible_to(workspace.person(request)).exclude(state="retired"))
    shelves = Category.objects.annotate(count=Count("offerings", filter=seen)).order_by("position", "name")
    chosen = request.GET.get("category", "")
    context = {"shelves": shelves, "chosen": chosen, "tabs": tabs.of(request, "offerings")}
    return tables.show(request, Offerings, "catalog/offerings.html", context)


@workspace.allowed("catalog.view_offering")
@require_safe
def page(request: HttpRequest, key: str) -> HttpResponse:
    """The version in force, else the newest; `?version=` shows another. Costs only for who keeps prices."""
    user = workspace.person(request)
    versions = list(versions_of(request, key))
    offering = queries.chosen(versions, request.GET.get("version", ""))
    if offering is None:
        raise Http404("There is no such offering.")
    active = next((one for one in versions if one.state == "active"), None)
    context = {
        "record": offering, "versions": versions, "tabs": tabs.of(request, "offerings"),
        "crumbs": [("Catalogue", reverse("catalog:offering_list"))],
        "characteristics": queries.characteristics(offering.specification),
        "prices": queries.prices(offering, with_costs=user.has_perm("catalog.change_priceentry")),
        "unpriced": queries.unpriced(offering), "price_lists": _lists(user),
        "adjustments": queries.adjustments(offering), "dependencies": queries.dependencies(offering.specification),
        "realisation": queries.realisation(offering.specification), "groups": list(offering.groups.all()),
        "items": list(offering.items.select_related("member", "group").order_by("position", "pk")),
        "entitled": list(offering.entitled_to.all()), "within": queries.bundles_of(offering),
        "differences": differences.between(active, offering) if offering.state in drafting.OPEN else [],
        "active": active, "may_change": user.has_perm(CHANGES), "may_publish": user.has_perm(PUBLISHES),
        "open": next((one for one in versions if one.state in drafting.OPEN), None),
        "lacking": consistency.completeness(offering) if offering.state == "design" else {},
    }  # fmt: skip
    return htmx.respond(request, "catalog/offering.html", context)


def _lists(user: User) -> list[PriceList]:
    """Where this person can price something today."""
    return list(pricelists.standing(timezone.localdate())[:LISTS]) if user.has_perm(PRICES) else []


def versions_of(request: HttpRequest, key: str) -> Any:
    """The versions that this person may see, newest first."""
    rows = Offering.objects.visible_to(workspace.person(request)).filter(key=key)
    return rows.select_related("category", "specification").order_by("-version")

"""Specifications to look at: the list, and one with its characteristics, rules, relations and where it is used."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog import consistency, differences, drafting, queries, rulebook, wording
from catalog.models import Specification
from catalog.views import tabs
from kernel import htmx, tables, workspace

VIEW, CHANGES, PUBLISHES = "catalog.view_specification", "catalog.change_specification", "catalog.publish_catalogue"


class SpecificationTable(tables.Table):
    """Columns of the list."""

    name = tables.Name(url=lambda row: row.get_absolute_url(), sub="key", verbose_name="Specification")
    kind = tables.Text(accessor="get_kind_display", order_by="kind", verbose_name="What it is")
    state = tables.State()
    version = tables.Number(optional=True)
    updated_at = tables.Day(verbose_name="Changed", optional=True)


class SpecificationFilters(tables.Filters):
    """Chips of the list."""

    kind = tables.Choices(choices=Specification.Kind.choices, label="What it is")
    state = tables.States(Specification, label="State")

    class Meta:
        model = Specification
        fields: list[str] = []


class Specifications(tables.ListPage):
    """All specifications; retired ones only when they are asked for."""

    title = "Specifications"
    lead = "what products, services and resources are, by their characteristics"
    model = Specification
    table = SpecificationTable
    filters = SpecificationFilters
    search = ("name", "key", "description", "characteristics__name")
    search_label = "Name, key or characteristic"
    sort = "name"
    new = tables.New("New specification", "catalog:specification_new", CHANGES)
    crumbs = (("Catalogue", "catalog:offering_list"),)
    empty = tables.Empty(
        "box", "No specifications yet",
        "A specification says what a product, service or resource is; offerings sell products.",
    )  # fmt: skip

    def rows(self) -> Any:
        """What is in use or on its way, unless a state is asked for."""
        rows = super().rows()
        rows = rows if self.request.GET.get("state") else rows.exclude(state="retired")
        return rows.distinct()


@workspace.allowed(VIEW)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list."""
    return tables.show(
        request, Specifications, "catalog/specifications.html", {"tabs": tabs.of(request, "specifications")}
    )


@workspace.allowed(VIEW)
@require_safe
def page(request: HttpRequest, key: str) -> HttpResponse:
    """The version in use, else the newest; `?version=` shows another."""
    user = workspace.person(request)
    versions = list(versions_of(request, key))
    record = queries.chosen(versions, request.GET.get("version", ""))
    if record is None:
        raise Http404("There is no such specification.")
    active = next((one for one in versions if one.state == "active"), None)
    context = {
        "record": record, "versions": versions, "tabs": tabs.of(request, "specifications"),
        "crumbs": [("Specifications", reverse("catalog:specification_list"))],
        "characteristics": queries.characteristics(record), "dependencies": queries.dependencies(record),
        "realisation": queries.realisation(record), "made_by": _made_by(record),
        "sold_as": queries.sold_as(record, user), "active": active,
        "behind": queries.behind(record) if record.state == Specification.State.ACTIVE else [],
        "differences": differences.between(active, record) if record.state in drafting.OPEN else [],
        "problems": _problems(record), "may_change": user.has_perm(CHANGES), "may_publish": user.has_perm(PUBLISHES),
        "open": next((one for one in versions if one.state in drafting.OPEN), None),
    }  # fmt: skip
    return htmx.respond(request, "catalog/specification.html", context)


def versions_of(request: HttpRequest, key: str) -> Any:
    """The versions that this person may see, newest first."""
    rows = Specification.objects.visible_to(workspace.person(request)).filter(key=key)
    return rows.prefetch_related("characteristics").order_by("-version")


def _made_by(record: Specification) -> list[tuple[Any, str]]:
    """Rules in force that make it, each with its condition in words."""
    return [(rule, wording.condition(rule)) for rule in rulebook.in_force() if rule.target.key == record.key]


def _problems(record: Specification) -> dict[str, list[str]]:
    if record.state != "design":
        return {}
    return consistency.of_specification(record, record.characteristics.all()) | consistency.of_rules(record)

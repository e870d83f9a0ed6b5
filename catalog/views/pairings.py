"""What goes together: rules between products that require or exclude each other, tried out before they are kept.

The list holds all rules; a product’s page leads here with its own, as `?of=KEY`, and is come back to.
"""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog import pairing
from catalog.forms.rules import PairingForm
from catalog.models import Dependency, Specification
from kernel import htmx, tables
from kernel.columns import Cell
from kernel.refusal import Refusal
from kernel.workspace import allowed, person

SEES, CHANGES = "catalog.view_dependency", "catalog.change_dependency"


def _targets(rule: Dependency) -> str:
    names = sorted(target.name for target in rule.targets.all())
    return (" or " if rule.kind == Dependency.Kind.REQUIRES else ", ").join(names) or "nothing yet"


def _where(rule: Dependency) -> str:
    return "at the same site" if rule.scope == Dependency.Scope.SITE else "at the same customer"


class Named(tables.Text):
    """The products that a rule names."""

    def shown(self, value: Any, record: Any) -> Cell:
        return _targets(record)

    def plain_cells(self, column: Any, record: Any) -> list[Any]:
        return [_targets(record)]


class PairingTable(tables.Table):
    """Columns of the list."""

    source = tables.Name(
        accessor="source__name", order_by="source__name", url="catalog:pairing", verbose_name="Product",
        sub=lambda rule: rule.source.key,
    )  # fmt: skip
    kind = tables.Text(accessor="get_kind_display", order_by="kind", verbose_name="Rule", sub=_where)
    targets = Named(accessor="pk", orderable=False, verbose_name="What")


class PairingFilter(tables.Filters):
    """Chips of the list."""

    kind = tables.Choices(choices=Dependency.Kind.choices, label="Rule")

    class Meta:
        model = Dependency
        fields: list[str] = []


class Pairings(tables.ListPage):
    """The list."""

    title = "What goes together"
    lead = "products that need each other, and products that exclude each other"
    model = Dependency
    table = PairingTable
    filters = PairingFilter
    search = ("source__name", "source__key", "targets__name")
    search_label = "Product"
    sort = "source"
    related = ("source",)
    empty = tables.Empty(
        "link", "No rules yet",
        "A rule says what a product needs beside it, or what it cannot stand beside. Orders that break one are warned "
        "before approval, and their lines wait until it is kept.",
        "New rule", "catalog:pairing_new",
    )  # fmt: skip
    new = tables.New("New rule", "catalog:pairing_new", CHANGES)

    def rows(self) -> Any:
        """With the products that they name."""
        return Dependency.objects.prefetch_related("targets")


@allowed(SEES)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list."""
    return tables.show(request, Pairings)


@allowed(SEES, CHANGES)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A new rule."""
    return _form(request, None)


@allowed(SEES)
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """One rule, to be changed by whoever may."""
    record = get_object_or_404(Dependency.objects.select_related("source").prefetch_related("targets"), pk=pk)
    if request.method == "POST":
        return _changing(request, record)
    return _form(request, record)


@allowed(SEES, CHANGES)
def _changing(request: HttpRequest, record: Dependency) -> HttpResponse:
    return _form(request, record)


def _product(request: HttpRequest) -> Specification | None:
    """The product from whose page the person came."""
    key = request.GET.get("of", "").replace("\x00", "")
    rows = Specification.objects.visible_to(person(request)).filter(key=key, kind=Specification.Kind.PRODUCT)
    found: Specification | None = rows.exclude(state="retired").order_by("state", "-version").first()
    return found


def _form(request: HttpRequest, record: Dependency | None) -> HttpResponse:
    product = _product(request)
    start = {"source": product.pk} if product else {}
    form = PairingForm(request.POST or None, by=person(request), record=record, initial=start)
    back = reverse("catalog:specification", args=[product.key]) if product else reverse("catalog:pairing_list")
    if request.method == "POST" and form.is_valid():
        try:
            kept = pairing.keep(pk=record.pk if record else None, by=person(request), **form.cleaned_data)
            kept = Dependency.objects.select_related("source").get(pk=kept.pk)
            return htmx.go(request, back, toast=f"Kept: {pairing.words(kept)}")
        except Refusal as refusal:
            _put(form, refusal)
    context = {
        "form": form, "record": record, "words": pairing.words(record) if record else "",
        "may_change": person(request).has_perm(CHANGES),
        "title": "Change a rule" if record else "New rule", "back": back,
        "came": f"?of={product.key}" if product else "",
        "crumbs": [("Specifications", reverse("catalog:specification_list")), (product.name, back)] if product
        else [("What goes together", back)],
    }  # fmt: skip
    return htmx.respond(request, "catalog/pairing.html", context, status=422 if form.errors else 200)


def _put(form: forms.Form, refusal: Refusal) -> None:
    if not refusal.problems:
        form.add_error(None, str(refusal))
    for field, texts in refusal.problems.items():
        form.add_error(field if field in form.fields else None, texts)


@allowed(SEES, CHANGES)
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a rule away."""
    found = get_object_or_404(Dependency, pk=pk)
    pairing.remove(pk=found.pk, by=person(request))
    product = _product(request)
    back = reverse("catalog:specification", args=[product.key]) if product else "catalog:pairing_list"
    return htmx.go(request, back, toast="The rule is gone. What waited for it goes on when it ends.")

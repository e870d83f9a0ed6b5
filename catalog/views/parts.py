"""The parts of a version in design: characteristics and a bundle's members and choices."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from catalog import drafting
from catalog.forms import drafts as forms
from catalog.models import BundleItem, Offering, Specification
from catalog.views.drafts import row_of
from kernel import htmx
from kernel.forms import add_errors
from kernel.workspace import allowed, person

SPECIFICATIONS = ("catalog.view_specification", "catalog.change_specification")
OFFERINGS = ("catalog.view_offering", "catalog.change_offering")
FIELDS = {"choices": "allowed", "default": "default_text"}  # where a problem of the record stands in the form


@allowed(*SPECIFICATIONS)
@require_http_methods(["GET", "HEAD", "POST"])
def characteristic(request: HttpRequest, key: str, version: int, name: str = "") -> HttpResponse:
    """Add a characteristic, or change the one of that key."""
    row: Specification = row_of(request, "specification", key, version)
    drafting.require_design(row)
    instance = get_object_or_404(row.characteristics, key=name) if name else None
    form = forms.CharacteristicForm(request.POST or None, instance=instance)
    if request.method == "POST" and form.is_valid():
        try:
            made = drafting.keep_characteristic(row.pk, key=name, values=form.values(), by=person(request))
            return htmx.go(request, row.get_absolute_url(), toast=f"{made.name} is saved.")
        except drafting.Inconsistent as error:
            _place(form, error)
    title = f"{instance.name} of {row.name}" if instance else f"New characteristic of {row.name}"
    context = {"others": [(c.key, c.name) for c in row.characteristics.all() if c.key != name], "characteristic": True}
    return _form(request, form, row, title, **context)


@allowed(*SPECIFICATIONS)
@require_POST
def characteristic_act(request: HttpRequest, key: str, version: int, name: str) -> HttpResponse:
    """Take a characteristic out (`drop`), or move it `up` or `down`."""
    row: Specification = row_of(request, "specification", key, version)
    if "drop" in request.POST:
        drafting.drop_characteristic(row.pk, key=name, by=person(request))
        return htmx.go(request, row.get_absolute_url(), toast="The characteristic is gone.")
    step = -1 if "up" in request.POST else 1
    drafting.move_characteristic(row.pk, key=name, by=step, user=person(request))
    return htmx.go(request, row.get_absolute_url())


@allowed(*OFFERINGS)
@require_http_methods(["GET", "HEAD", "POST"])
def member(request: HttpRequest, key: str, version: int, pk: int | None = None) -> HttpResponse:
    """Add a member to a bundle, change one, or take it out (`drop`)."""
    bundle: Offering = row_of(request, "offering", key, version)
    drafting.require_design(bundle)
    instance = get_object_or_404(BundleItem, pk=pk, bundle=bundle) if pk else None
    if request.method == "POST" and "drop" in request.POST and pk:
        drafting.drop_item(bundle.pk, item_id=pk, by=person(request))
        return htmx.go(request, bundle.get_absolute_url(), toast="The member is out of the bundle.")
    form = forms.ItemForm(request.POST or None, instance=instance, bundle=bundle, by=person(request))
    if request.method == "POST" and form.is_valid():
        try:
            made = drafting.keep_item(bundle.pk, item_id=pk, values=form.values(), by=person(request))
            return htmx.go(request, bundle.get_absolute_url(), toast=f"{made.member.name} is in the bundle.")
        except drafting.Inconsistent as error:
            add_errors(form, error)
    return _form(request, form, bundle, f"{instance.member.name} in {bundle.name}" if instance else "New member")


@allowed(*OFFERINGS)
@require_http_methods(["GET", "HEAD", "POST"])
def group(request: HttpRequest, key: str, version: int, name: str = "") -> HttpResponse:
    """Add a choice to a bundle, change one, or take it out (`drop`)."""
    bundle: Offering = row_of(request, "offering", key, version)
    drafting.require_design(bundle)
    instance = get_object_or_404(bundle.groups, key=name) if name else None
    if request.method == "POST" and "drop" in request.POST and name:
        drafting.drop_group(bundle.pk, key=name, by=person(request))
        return htmx.go(request, bundle.get_absolute_url(), toast="The choice is gone; its members stay.")
    form = forms.GroupForm(request.POST or None, instance=instance)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        try:
            made = drafting.keep_group(bundle.pk, key=values.pop("key"), values=values, by=person(request))
            return htmx.go(request, bundle.get_absolute_url(), toast=f"{made.name} is saved.")
        except drafting.Inconsistent as error:
            add_errors(form, error)
    return _form(request, form, bundle, instance.name if instance else "New choice within the bundle")


def _place(form: Any, error: drafting.Inconsistent) -> None:
    for name, texts in error.problems.items():
        for text in texts:
            place = FIELDS.get(name, name)
            form.add_error(place if place in form.fields else None, text)


def _form(request: HttpRequest, form: Any, row: Any, title: str, **more: Any) -> HttpResponse:
    kind = "specification" if isinstance(row, Specification) else "offering"
    plural = "Specifications" if kind == "specification" else "Catalogue"
    context = {
        "form": form, "record": row, "title": title, "back": row.get_absolute_url(), "word": "Save draft",
        "crumbs": [(plural, reverse(f"catalog:{kind}_list")), (row.name, row.get_absolute_url())],
    } | more  # fmt: skip
    return htmx.respond(request, "catalog/draft_form.html", context, status=422 if form.errors else 200)

"""A version on its way: begun, copied, edited, thrown away, and brought into force after its differences were seen."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from catalog import differences, drafting, launching, queries, testbench
from catalog.forms import drafts as forms
from catalog.models import Offering, Specification
from kernel import editing, htmx, writing
from kernel.forms import add_errors
from kernel.refusal import Refusal
from kernel.workspace import allowed, person


@dataclass(frozen=True)
class Kind:
    """What differs between the two kinds of entries."""

    name: str
    model: Any
    form: Any
    new_form: Any
    title: str
    plural: str

    @property
    def permissions(self) -> tuple[str, str]:
        """To see and to change."""
        return f"catalog.view_{self.name}", f"catalog.change_{self.name}"


KINDS = {
    "offering": Kind("offering", Offering, forms.OfferingForm, forms.NewOfferingForm, "offering", "Catalogue"),
    "specification": Kind(
        "specification", Specification, forms.SpecificationForm, forms.NewSpecificationForm, "specification",
        "Specifications",
    ),
}  # fmt: skip
PUBLISHES = "catalog.publish_catalogue"


def row_of(request: HttpRequest, kind: str, key: str, version: int) -> Any:
    """The version if this person may see it. Raises Http404 otherwise."""
    return get_object_or_404(KINDS[kind].model.objects.visible_to(person(request)), key=key, version=version)


def guarded(kind: str) -> Any:
    """Decorator: who may see and change this kind."""
    return allowed(*KINDS[kind].permissions)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, kind: str) -> HttpResponse:
    """The first version of something new."""
    return guarded(kind)(_new)(request, kind)  # type: ignore[no-any-return]


def _new(request: HttpRequest, kind: str) -> HttpResponse:
    about = KINDS[kind]
    form = about.new_form(request.POST or None, **_by(request, kind))
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        try:
            row = drafting.begin(about.model, key=values.pop("key"), by=person(request), values=values)
            return htmx.go(request, row.get_absolute_url(), toast=f"{row.name} is a draft.")
        except drafting.Inconsistent as error:
            add_errors(form, error)
    return _form(request, kind, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, kind: str, key: str, version: int) -> HttpResponse:
    """The fields of a version in design."""
    return guarded(kind)(_edit)(request, kind, key, version)  # type: ignore[no-any-return]


def _edit(request: HttpRequest, kind: str, key: str, version: int) -> HttpResponse:
    about, row = KINDS[kind], row_of(request, kind, key, version)
    drafting.require_design(row)
    form = about.form(request.POST or None, instance=row, **_by(request, kind))
    if request.method == "POST" and form.is_valid():
        edition = request.POST.get("edition", "")
        try:
            drafting.change(
                about.model, row.pk, edition=writing.whole(edition),
                values=dict(form.cleaned_data), by=person(request),
            )  # fmt: skip
            return htmx.go(request, row.get_absolute_url(), toast=f"{row.name} version {row.version} is saved.")
        except editing.Changed as error:
            form.add_error(None, str(error))
            return _form(request, kind, form, row, differences=error.differences, edition=error.edition, status=409)
        except drafting.Inconsistent as error:
            add_errors(form, error)
    return _form(request, kind, form, row)


def _by(request: HttpRequest, kind: str) -> dict[str, Any]:
    """Who chooses, for the forms in which something is chosen."""
    return {"by": person(request)} if kind == "offering" else {}


def _form(request: HttpRequest, kind: str, form: Any, row: Any, status: int = 0, **more: Any) -> HttpResponse:
    about = KINDS[kind]
    home = reverse(f"catalog:{kind}_list")
    crumbs = [(about.plural, home), *([(row.name, row.get_absolute_url())] if row else [])]
    context = {
        "form": form, "record": row, "crumbs": crumbs, "back": row.get_absolute_url() if row else home,
        "title": f"{row.name}, version {row.version}" if row else f"New {about.title}",
        "edition": row.edition if row else "", "word": "Save draft",
    } | more  # fmt: skip
    return htmx.respond(request, "catalog/draft_form.html", context, status=status or (422 if form.errors else 200))


@require_POST
def next_version(request: HttpRequest, kind: str, key: str, version: int) -> HttpResponse:
    """A version in design that begins as a copy."""

    def act(request: HttpRequest) -> HttpResponse:
        row = row_of(request, kind, key, version)
        made = drafting.next_version(KINDS[kind].model, row.pk, by=person(request))
        return htmx.go(request, made.get_absolute_url(), toast=f"Version {made.version} is in design.")

    return guarded(kind)(act)(request)  # type: ignore[no-any-return]


@require_POST
def discard(request: HttpRequest, kind: str, key: str, version: int) -> HttpResponse:
    """Throw a version in design away."""

    def act(request: HttpRequest) -> HttpResponse:
        row = row_of(request, kind, key, version)
        drafting.discard(KINDS[kind].model, row.pk, by=person(request))
        return htmx.go(request, f"catalog:{kind}_list", toast=f"Version {version} of {row.name} is gone.")

    return guarded(kind)(act)(request)  # type: ignore[no-any-return]


@allowed("catalog.view_offering", PUBLISHES)
@require_http_methods(["GET", "HEAD", "POST"])
def activate(request: HttpRequest, kind: str, key: str, version: int) -> HttpResponse:
    """What going live changes: differences, sample orders, what is wrong; and the act."""
    about, row = KINDS[kind], row_of(request, kind, key, version)
    problems: dict[str, list[str]] = {}
    reason = request.POST.get("reason", "").replace("\x00", "").strip()[:2000]
    if request.method == "POST":
        try:
            launching.activate(about.model, row.pk, by=person(request), reason=reason)
            return htmx.go(request, row.get_absolute_url(), toast=f"{row.name} version {row.version} is active.")
        except Refusal as error:
            if error.status != 422:
                raise
            problems = error.problems
    active = about.model.objects.filter(key=key, state="active").first()
    verdicts = testbench.judge_all(row) if row.state in drafting.OPEN else []
    context = {
        "record": row, "kind": kind, "active": active, "differences": differences.between(active, row),
        "verdicts": verdicts, "red": [one for one in verdicts if one.red], "problems": problems, "reason": reason,
        "mark": f"{kind}:{row.pk}", "behind": queries.behind(row),
        "unpriced": isinstance(row, Offering) and queries.unpriced(row),
        "crumbs": [(about.plural, reverse(f"catalog:{kind}_list")), (row.name, row.get_absolute_url())],
    }  # fmt: skip
    return htmx.respond(request, "catalog/activate.html", context, status=422 if problems else 200)

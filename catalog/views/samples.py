"""The test bench: sample orders, what each comes to, and how a draft version changes that."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog import sampling, testbench
from catalog.forms.samples import SampleForm
from catalog.models import Offering, SampleOrder, Specification
from catalog.views import tabs
from kernel import htmx, tables
from kernel.forms import add_errors
from kernel.workspace import allowed, person

SEES, CHANGES = "catalog.view_sampleorder", "catalog.change_sampleorder"
SHOWN = 200  # nodes


class SampleTable(tables.Table):
    """Columns of the list."""

    name = tables.Name(url="catalog:sample", arg="key", sub=lambda row: row.description or row.key)
    sites = tables.Text(accessor="sites", verbose_name="Sites", orderable=False, optional=True)
    lines = tables.Text(accessor="lines", verbose_name="Sells", orderable=False)
    price_list = tables.Text(accessor="price_list__name", verbose_name="Price list", optional=True)
    term = tables.Number(verbose_name="Months", optional=True)

    def render_sites(self, value: list[Any]) -> str:
        """How many."""
        return str(len(value))

    def render_lines(self, value: list[dict[str, Any]]) -> str:
        """The offerings."""
        return ", ".join(dict.fromkeys(str(line.get("offering")) for line in value))


class Samples(tables.ListPage):
    """All samples."""

    title = "Test bench"
    lead = "sample orders that every new version is tried on before it goes live"
    model = SampleOrder
    table = SampleTable
    search = ("name", "key", "description")
    search_label = "Name or key"
    sort = "name"
    related = ("price_list",)
    export = False
    new = tables.New("New sample", "catalog:sample_new", CHANGES)
    crumbs = (("Catalogue", "catalog:offering_list"),)
    empty = tables.Empty(
        "flask", "No sample orders yet",
        "A sample order is what a customer could order: sites, products and their values. It is priced and decomposed "
        "against a draft and against what is active, so that you see what a change does before anybody buys it.",
    )  # fmt: skip


@allowed(SEES)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list, and the drafts that may be tried."""
    context = {"tabs": tabs.of(request, "samples"), "drafts": _drafts(request)}
    return tables.show(request, Samples, "catalog/samples.html", context)


@allowed(SEES)
@require_safe
def page(request: HttpRequest, key: str) -> HttpResponse:
    """One sample: what it comes to now, or with `?draft=` beside what it would come to."""
    sample = _sample(request, key)
    drafts = _drafts(request)
    wanted = request.GET.get("draft", "")
    draft = next((one for one in drafts if _mark(one) == wanted), None)
    verdict = testbench.judge(sample, draft)
    context = {
        "record": sample, "tabs": tabs.of(request, "samples"), "verdict": verdict, "draft": draft,
        "drafts": [(_mark(one), one) for one in drafts if testbench.concerns(sample, one)], "wanted": wanted,
        "nodes": verdict.after.nodes[:SHOWN], "more": max(0, len(verdict.after.nodes) - SHOWN),
        "currency": sample.price_list.currency, "may_change": request.user.has_perm(CHANGES),
        "counts": [(what, verdict.count(what)) for what in ("added", "gone", "changed")],
        "crumbs": [("Test bench", reverse("catalog:sample_list"))], "names": sampling.names(sample),
        "monthly": verdict.after.total(), "monthly_before": verdict.before.total(),
        "once": verdict.after.total("one_time"), "once_before": verdict.before.total("one_time"),
    }  # fmt: skip
    return htmx.respond(request, "catalog/sample.html", context)


@allowed(SEES)
@require_safe
def run_all(request: HttpRequest, kind: str, key: str, version: int) -> HttpResponse:
    """Every sample that a draft has to do with: a panel of the draft's page."""
    model: Any = Offering if kind == "offering" else Specification
    draft = get_object_or_404(model.objects.visible_to(person(request)), key=key, version=version)
    return htmx.respond(
        request, "catalog/bench_panel.html",
        {"draft": draft, "mark": _mark(draft), "verdicts": testbench.judge_all(draft), "tried": True},
    )  # fmt: skip


@allowed(SEES, CHANGES)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, key: str = "") -> HttpResponse:
    """A new sample, or the one of that key."""
    sample = _sample(request, key) if key else None
    form = SampleForm(request.POST or None, sample=sample)
    if request.method == "POST" and form.is_valid():
        try:
            kept = sampling.keep(sample, values=form.values(), by=person(request))
            return htmx.go(request, kept.get_absolute_url(), toast=f"{kept.name} is saved.")
        except sampling.BadSample as error:
            add_errors(form, error)
    context = {
        "form": form, "record": sample, "title": sample.name if sample else "New sample order", "word": "Save",
        "back": sample.get_absolute_url() if sample else reverse("catalog:sample_list"),
        "crumbs": [("Test bench", reverse("catalog:sample_list"))],
    }  # fmt: skip
    return htmx.respond(request, "catalog/draft_form.html", context, status=422 if form.errors else 200)


@allowed(SEES, CHANGES)
@require_POST
def drop(request: HttpRequest, key: str) -> HttpResponse:
    """Throw a sample away."""
    sampling.drop(_sample(request, key), by=person(request))
    return htmx.go(request, "catalog:sample_list", toast="The sample is gone.")


def _sample(request: HttpRequest, key: str) -> SampleOrder:
    rows = SampleOrder.objects.visible_to(person(request)).select_related("price_list")
    found: SampleOrder = get_object_or_404(rows, key=key)
    return found


def _drafts(request: HttpRequest) -> list[Any]:
    """Versions in design or testing that this person may see."""
    user = person(request)
    offerings = Offering.objects.visible_to(user).filter(state__in=("design", "testing"))
    specifications = Specification.objects.visible_to(user).filter(state__in=("design", "testing"))
    return [*offerings.select_related("specification").order_by("name"), *specifications.order_by("name")]


def _mark(draft: Any) -> str:
    return f"{draft._meta.model_name}:{draft.pk}"

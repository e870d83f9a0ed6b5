"""Price rules: what changes list prices step by step, kept and switched off, tried on sample orders beforehand."""

from typing import Any

import django_filters
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog import adjusting
from catalog.forms.adjustments import AdjustmentForm
from catalog.models import PriceAdjustment
from catalog.views import tabs
from kernel import htmx, tables
from kernel.columns import Cell
from kernel.refusal import Conflict, Refusal
from kernel.workspace import allowed, person

SEES, ADDS, CHANGES = "catalog.view_priceadjustment", "catalog.add_priceadjustment", "catalog.change_priceadjustment"


def does(rule: PriceAdjustment) -> str:
    """What a rule does to the price, in words."""
    value = rule.value.replace("-", "−").strip()
    value = f"+ {value}" if rule.how == "percent" and not value.startswith("−") else value
    said = {"factor": f"× {value}", "percent": f"{value} %", "amount": f"{value} more", "waive": "waives it"}
    return said[rule.how]


class Worded(tables.Text):
    """What a rule does, or to what, made from its fields."""

    def __init__(self, says: Any, **more: Any) -> None:
        super().__init__(accessor="pk", orderable=False, **more)
        self.says = says

    def shown(self, value: Any, record: Any) -> Cell:
        return str(self.says(record))

    def plain_cells(self, column: Any, record: Any) -> list[Any]:
        return [self.says(record)]


class RuleTable(tables.Table):
    """Columns of the list."""

    label = tables.Name(
        url=lambda rule: reverse("catalog:adjustment", args=[rule.key]), sub="key", verbose_name="Rule"
    )  # fmt: skip
    step = tables.Text(
        accessor="get_step_display", order_by=("step", "position", "pk"), verbose_name="Step",
        sub=lambda rule: f"place {rule.position}",
    )  # fmt: skip
    charge = tables.Text(accessor="get_charge_display", order_by="charge", verbose_name="Of the prices", optional=True)
    condition = tables.Text(verbose_name="Only when", orderable=False, optional=True)
    does = Worded(does, verbose_name="What it does")
    of = Worded(lambda rule: ", ".join(sorted({one.name for one in rule.offerings.all()})) or "all", optional=True,
                verbose_name="Offerings")  # fmt: skip
    active = Worded(lambda rule: "counts" if rule.active else "switched off", verbose_name="Standing")


class RuleFilter(tables.Filters):
    """Chips of the list."""

    step = tables.Choices(choices=PriceAdjustment.Step.choices)
    charge = django_filters.AllValuesFilter(label="Charge", empty_label="All")
    active = django_filters.ChoiceFilter(
        choices=[("True", "Counts"), ("False", "Switched off")], label="Standing", empty_label="All"
    )

    class Meta:
        model = PriceAdjustment
        fields = ["price_list"]


class Rules(tables.ListPage):
    """The list."""

    title = "Prices"
    lead = "rules that change list prices, in the order in which they count"
    model = PriceAdjustment
    table = RuleTable
    filters = RuleFilter
    search = ("label", "key", "condition", "offerings__name")
    search_label = "Rule, condition or offering"
    sort = "step"
    empty = tables.Empty(
        "adjustments", "No price rule yet",
        "A rule changes list prices by what was chosen, by region, by term or by how many are bought, and says so to "
        "the customer.", "New rule", "catalog:adjustment_new",
    )  # fmt: skip
    new = tables.New("New rule", "catalog:adjustment_new", ADDS)

    def rows(self) -> Any:
        """With the offerings that they are for."""
        return PriceAdjustment.objects.prefetch_related("offerings").distinct()


@allowed(SEES)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list."""
    return tables.show(request, Rules, "catalog/prices.html", {"tabs": tabs.of(request, "rules", tabs.PRICES)})


@allowed(SEES, ADDS)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A new rule."""
    return _form(request, None)


@allowed(SEES)
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, key: str) -> HttpResponse:
    """One rule, to be changed by whoever may."""
    rule = get_object_or_404(PriceAdjustment.objects.prefetch_related("offerings"), key=key)
    if request.method == "POST":
        return _changing(request, rule)
    return _form(request, rule)


@allowed(SEES, CHANGES)
def _changing(request: HttpRequest, rule: PriceAdjustment) -> HttpResponse:
    return _form(request, rule)


def _form(request: HttpRequest, rule: PriceAdjustment | None) -> HttpResponse:
    start = PriceAdjustment(charge="recurring", how="percent", step="attribute")
    form = AdjustmentForm(request.POST if request.method == "POST" else None, instance=rule or start)
    seen = request.POST.get("seen", "")
    status, now = 200, None
    if request.method == "POST" and form.is_valid():
        try:
            kept = adjusting.keep(pk=rule.pk if rule else None, by=person(request), seen=seen, **form.asked())
            return htmx.go(request, "catalog:adjustments", toast=f"Kept: {kept.label}")
        except Conflict as error:
            form.add_error(None, str(error))
            status, now = 409, rule
        except Refusal as error:
            form.take(error)
    context = {
        "form": form, "record": rule, "now": _differing(now, form) if now else [],
        "history": adjusting.history(rule) if rule else [],
        "seen": adjusting.mark(rule) if rule and (now or request.method != "POST") else seen,
        "may_change": person(request).has_perm(CHANGES if rule else ADDS), "title": rule.label if rule else "New rule",
        "crumbs": [("Prices", reverse("catalog:price_lists")), ("Rules", reverse("catalog:adjustments"))],
    }  # fmt: skip
    status = 422 if form.errors and status == 200 else status
    return htmx.respond(request, "catalog/adjustment.html", context, status=status)


def _differing(rule: PriceAdjustment, form: AdjustmentForm) -> list[tuple[str, str]]:
    """Field by field what is stored by now where something else was typed."""
    stored = {name: getattr(rule, name) for name in adjusting.FIELDS}
    typed = form.cleaned_data
    found = [
        (str(form.fields[name].label), str(value if value not in (None, "") else "empty"))
        for name, value in stored.items() if typed.get(name) != value
    ]  # fmt: skip
    own, theirs = sorted(one.name for one in typed["offerings"]), sorted(one.name for one in rule.offerings.all())
    return [*found, ("Offerings", ", ".join(theirs) or "all")] if own != theirs else found


@allowed(SEES, CHANGES)
@require_POST
def try_out(request: HttpRequest) -> HttpResponse:
    """What the sample orders would cost with the rule as it stands in its form; `rule` names a stored one."""
    rule = PriceAdjustment.objects.filter(key=request.POST.get("rule", "")[:80].replace("\x00", "")).first()
    form = AdjustmentForm(request.POST, instance=rule or PriceAdjustment())
    effect = None
    if form.is_valid():
        try:
            effect = adjusting.try_out(pk=rule.pk if rule else None, **form.asked())
        except Refusal as error:
            form.take(error)
    context = {"effect": effect, "problems": [text for texts in form.errors.values() for text in texts]}
    return htmx.respond(request, "catalog/adjustment_effect.html", context, status=422 if form.errors else 200)

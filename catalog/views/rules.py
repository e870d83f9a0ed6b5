"""Rules of decomposition: the list, one version with its trial and tests, and what is done with it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_POST, require_safe

from catalog import rulebook, rulemaking, trial, wording
from catalog.forms.rules import TryForm
from catalog.models import DecompositionRule
from kernel import htmx, tables
from kernel.refusal import Refusal
from kernel.workspace import allowed, person

State = DecompositionRule.State
SEES, CHANGES, PUBLISHES = (
    "catalog.view_decompositionrule", "catalog.change_decompositionrule", "catalog.publish_catalogue",
)  # fmt: skip


class RuleTable(tables.Table):
    """Columns of the list."""

    key = tables.Name(sub=lambda rule: f"version {rule.version}", verbose_name="Rule")
    source = tables.Text(accessor="source__name", order_by="source__name", verbose_name="From")
    target = tables.Text(accessor="target__name", order_by="target__name", sub=wording.number, verbose_name="Makes")
    condition = tables.Text(optional=True, orderable=False, verbose_name="Only when")
    state = tables.State()
    starts_on = tables.Date(verbose_name="In force from", optional=True)


class RuleFilter(tables.Filters):
    """Chips of the list."""

    source = tables.Records("catalog.specification", label="From", empty_label="Any")
    target = tables.Records("catalog.specification", label="Makes", empty_label="Any")
    state = tables.States(DecompositionRule)

    class Meta:
        model = DecompositionRule
        fields: list[str] = []


class Rules(tables.ListPage):
    """The list."""

    title = "Decomposition rules"
    lead = "what an order line comes to: which services and resources, how many, with which values"
    model = DecompositionRule
    table = RuleTable
    filters = RuleFilter
    search = ("key", "source__name", "target__name", "source__key", "target__key", "condition")
    search_label = "Rule or specification"
    sort = "key"
    related = ("source", "target")
    empty = tables.Empty(
        "sitemap", "No rules yet", "A rule says what a product, service or resource is made of.", "New rule",
        "catalog:rule_new",
    )  # fmt: skip
    new = tables.New("New rule", "catalog:rule_new", CHANGES)

    def rows(self) -> Any:
        """Characteristics come along, for the words."""
        return super().rows().prefetch_related("source__characteristics")


@allowed(SEES)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list."""
    return tables.show(request, Rules)


@allowed(SEES)
@require_safe
def page(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """One version."""
    return shown(request, _rule(request, key, version))


def shown(
    request: HttpRequest, rule: DecompositionRule, *, problems: dict[str, list[str]] | None = None, status: int = 200
) -> HttpResponse:
    """The page of one version, with what was refused if something was."""
    user = person(request)
    versions = list(DecompositionRule.objects.filter(key=rule.key).order_by("-version"))
    current = next((one for one in rulebook.in_force() if one.key == rule.key), None)
    context = {
        "record": rule, "title": f"{rule.source.name} → {rule.target.name}",
        "crumbs": [("Decomposition rules", reverse("catalog:rule_list"))], "condition": wording.condition(rule),
        "number": wording.number(rule), "mappings": wording.mappings(rule), "versions": versions, "current": current,
        "standing": standing(rule, current), "draft": next((one for one in versions if one.state == State.DRAFT), None),
        "tests": [trial.check(rule, test) for test in rule.tests], "form": TryForm(rule), "problems": problems or {},
        "may_change": user.has_perm(CHANGES), "may_publish": user.has_perm(PUBLISHES), "today": timezone.localdate(),
    }  # fmt: skip
    return htmx.respond(request, "catalog/rule.html", context, status=status)


def standing(rule: DecompositionRule, current: DecompositionRule | None) -> str:
    """Whether orders follow this version today, in words."""
    if rule.state == State.DRAFT:
        return "A draft: no order follows it yet."
    if rule.state == State.RETIRED:
        return "Retired: new orders no longer follow it. Orders that it made keep it."
    if rule.starts_on > timezone.localdate():
        return "Published, and its day is still to come."
    if current is not None and current.pk != rule.pk:
        return f"Replaced by version {current.version}. Orders that it made keep it."
    return "New orders follow it."


@allowed(SEES)
@require_POST
def try_out(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """What the rule makes of some values; nothing is stored."""
    rule = _rule(request, key, version)
    form = TryForm(rule, request.POST)
    made = trial.run(rule, form.values()) if form.is_valid() else None
    context = {
        "record": rule, "made": made, "form": form, "may_keep": rule.state == State.DRAFT and
        person(request).has_perm(CHANGES), "lacking": [_named(rule, name) for name in made.lacking] if made else [],
    }  # fmt: skip
    return htmx.respond(request, "catalog/rule.html", context, part="outcome", status=200 if made else 422)


@allowed(SEES, CHANGES)
@require_POST
def keep_test(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Keep the values just tried, with what came out, as a test row; or drop one."""
    rule = _rule(request, key, version)
    user = person(request)
    if "drop" in request.POST:
        rulemaking.drop_test(pk=rule.pk, name=request.POST["drop"], by=user)
        return htmx.go(request, rule.get_absolute_url(), toast="The test row is gone.")
    form = TryForm(rule, request.POST)
    values = form.values() if form.is_valid() else {}
    rulemaking.keep_test(pk=rule.pk, name=request.POST.get("name", ""), values=values, by=user)
    return htmx.go(request, rule.get_absolute_url(), toast="Kept as a test row.")


@allowed(SEES, CHANGES)
@require_POST
def next_version(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """A draft that begins as a copy."""
    made = rulemaking.next_version(pk=_rule(request, key, version).pk, by=person(request))
    return htmx.go(request, "catalog:rule_edit", made.key, made.version, toast=f"Version {made.version} is a draft.")


@allowed(SEES, PUBLISHES)
@require_POST
def publish(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Into force, from a day on."""
    rule = _rule(request, key, version)
    try:
        done = rulemaking.publish(pk=rule.pk, starts_on=_day(request.POST.get("starts_on", "")), by=person(request))
    except Refusal as error:
        return shown(request, rule, problems=error.problems, status=error.status)
    said = f"Version {done.version} is published, in force from {done.starts_on:%-d %b %Y}."
    return htmx.go(request, "catalog:rule", done.key, done.version, toast=said)


@allowed(SEES, PUBLISHES)
@require_POST
def retire(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Out of force at once."""
    rule = _rule(request, key, version)
    rulemaking.retire(pk=rule.pk, reason=request.POST.get("reason", "")[:2000], by=person(request))
    return htmx.go(request, "catalog:rule", key, version, toast=f"Version {version} is retired.")


@allowed(SEES, CHANGES)
@require_POST
def discard(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Throw a draft away."""
    rulemaking.discard(pk=_rule(request, key, version).pk, by=person(request))
    return htmx.go(request, "catalog:rule_list", toast="The draft is gone.")


def _rule(request: HttpRequest, key: str, version: int) -> DecompositionRule:
    """The version if this person may see it. Raises Http404 otherwise."""
    rows = DecompositionRule.objects.visible_to(person(request)).select_related("source", "target")
    rows = rows.prefetch_related("source__characteristics", "target__characteristics")
    found: DecompositionRule = get_object_or_404(rows, key=key, version=version)
    return found


def _named(rule: DecompositionRule, name: str) -> str:
    return wording.name(name, {c.key: c for c in rule.source.characteristics.all()})


def _day(text: str) -> Any:
    try:
        return parse_date(text)
    except ValueError:  # a day that no calendar has
        return None

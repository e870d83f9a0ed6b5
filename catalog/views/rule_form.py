"""The form of a rule: its fields, and its mappings as rows that are added and taken away."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from catalog import rulebook, rulemaking, rulerows, soundness
from catalog.forms.rules import RuleForm
from catalog.models import DecompositionRule, Specification
from catalog.rulerows import FormRow
from catalog.views.rules import CHANGES, SEES
from kernel import editing, htmx, writing
from kernel.refusal import Refusal
from kernel.workspace import allowed, person

REDRAW = ("add", "remove", "redraw")


@allowed(SEES, CHANGES)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A new rule; `?source=<key>` begins with that specification."""
    return _form(request, None)


@allowed(SEES, CHANGES)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """A draft; a published version is not changed and says so."""
    rows = DecompositionRule.objects.visible_to(person(request)).select_related("source", "target")
    rule = get_object_or_404(rows, key=key, version=version)
    if rule.state != DecompositionRule.State.DRAFT:
        raise rulemaking.NotADraft(f"{rule} is published and stays as it is. Make a new version on its page.")
    return _form(request, rule)


def _form(request: HttpRequest, rule: DecompositionRule | None) -> HttpResponse:
    posted = request.method == "POST"
    asked = Specification.objects.filter(key=request.GET.get("source", ""), state="active").first()
    form = RuleForm(request.POST if posted else None, by=person(request), rule=rule, initial={"source": asked})
    rows = rulerows.posted(request.POST) if posted else rulerows.of(rule)
    if posted and not any(name in request.POST for name in REDRAW):
        form.is_valid()
        answer = _save(request, rule, form, rows)
        if answer is not None:
            return answer
        return htmx.respond(request, "catalog/rule_form.html", _context(form, rows, rule, request), status=422)
    if posted:
        form = RuleForm(by=person(request), initial={name: form[name].data for name in form.fields})
    return htmx.respond(request, "catalog/rule_form.html", _context(form, rows, rule, request), part="rows")


def _save(
    request: HttpRequest, rule: DecompositionRule | None, form: RuleForm, rows: list[FormRow]
) -> HttpResponse | None:
    """Keep the draft; None when something is wrong, which then stands at its place."""
    if form.errors:
        return None
    values = {**form.cleaned_data, "mappings": rulerows.entries(rows, form.cleaned_data["target"])}
    user = person(request)
    try:
        if rule is None:
            rule = rulemaking.draft(by=user, values=values)
        else:
            edition = writing.whole(request.POST.get("edition", ""))
            rule = rulemaking.change(pk=rule.pk, edition=edition, values=values, by=user)
    except editing.Changed as error:
        form.add_error(None, str(error))
        form.differences, form.edition = error.differences, error.edition  # type: ignore[attr-defined]
        return None
    except Refusal as error:
        _place(error, form, rulerows.filled(rows))
        return None
    said = f"{rule.source.name} → {rule.target.name}: the draft is saved."
    return htmx.go(request, "catalog:rule", rule.key, rule.version, toast=said)


def _place(error: Refusal, form: RuleForm, rows: list[FormRow]) -> None:
    """Put every problem at its field or row, and say the rows' also at the head."""
    for place, texts in error.problems.items():
        if place.startswith("mappings-"):
            _, number, part = place.split("-")
            rows[int(number)].problems[part] = texts
            form.add_error(None, f"Value {int(number) + 1}, {rows[int(number)].to or 'no name'}: {' '.join(texts)}")
        else:
            form.add_error(place if place in form.fields else None, texts)


def _context(
    form: RuleForm, rows: list[FormRow], rule: DecompositionRule | None, request: HttpRequest
) -> dict[str, Any]:
    source, target = form.chosen("source"), form.chosen("target")
    rulerows.offer(rows, source)
    own = soundness.characteristics(source) if source else {}
    return {
        "form": form, "rows": list(enumerate(rows)), "record": rule, "how": rulerows.HOW,
        "places": rulerows.places(source), "targets": soundness.characteristics(target).values() if target else [],
        "own": list(own.values()), "askable": rulebook.ASKABLE.items(), "source": source, "target": target,
        "edition": getattr(form, "edition", None) or request.POST.get("edition") or (rule.edition if rule else ""),
        "differences": getattr(form, "differences", []),
        "back": rule.get_absolute_url() if rule else reverse("catalog:rule_list"),
    }  # fmt: skip

"""Plan editing: drafts and their steps, publishing, and moving running work to a version."""

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from fulfillment import planfile, planmigration, planversions
from fulfillment.forms import PlanForm, PublishForm, StepForm, rowacts, step_initial
from fulfillment.models import PlanDefinition
from fulfillment.views.plans import find, frame, is_draft
from kernel import htmx, workspace, writing
from kernel.editing import Changed
from kernel.refusal import Refusal

PANEL = "fulfillment/plan_form.html"
SHOWN = 200  # flows on the page of running work


@workspace.allowed("fulfillment.add_plandefinition")
@require_http_methods(["GET", "HEAD", "POST"])
def begin(request: HttpRequest) -> HttpResponse:
    """A new plan."""
    form = PlanForm(request.POST or None, by=workspace.person(request))
    context = {"title": "New plan", "verb": "Create draft", "back": reverse("fulfillment:plan_list"), "form": form}
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data | {"position": form.cleaned_data["position"] or 0}
        try:
            made = planversions.begin(**values, by=workspace.person(request))
        except planversions.Unsound as error:
            _tell(form, error)
        else:
            return htmx.go(request, made, toast="A draft with one step is made. Add the steps of the plan.")
    return htmx.respond(request, PANEL, context, part="panel", status=422 if form.errors else 200)


@workspace.allowed("fulfillment.change_plandefinition")
@require_http_methods(["GET", "HEAD", "POST"])
def describe(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Name, use and condition of a draft."""
    draft = find(request, key, version)
    entry = planfile.entry(draft)
    start = entry | {"specification": draft.specification_id}
    form = PlanForm(request.POST or None, by=workspace.person(request), initial=start, existing=True)
    if request.method == "POST" and form.is_valid():
        wanted = entry | form.cleaned_data | {"specification": form.cleaned_data["specification"].key}
        wanted["position"] = form.cleaned_data["position"] or 0
        return _save(request, draft, wanted, form, title=f"Describe {draft.name}", verb="Save")
    return _panel(request, draft, form, title=f"Describe {draft.name}", verb="Save")


@workspace.allowed("fulfillment.change_plandefinition")
@require_http_methods(["GET", "HEAD", "POST"])
def step(request: HttpRequest, key: str, version: int, item: str = "") -> HttpResponse:
    """One step of a draft, or a new one. Posting `rows` changes the rows of the form or its kind, and keeps nothing."""
    draft = find(request, key, version)
    entry = planfile.entry(draft)
    now = next((row for row in entry["items"] if row["key"] == item), None)
    if item and now is None:
        raise Http404("There is no such step.")
    initial = step_initial(now or {"key": "", "name": "", "days": 1})
    if "kind" in request.GET:
        initial["kind"] = request.GET["kind"]
    act = request.POST.get("rows", "")
    sent = rowacts.arranged(request.POST, act) if act else request.POST
    form = StepForm(
        sent or None, initial=initial, plan=entry, befores_of=_befores(entry, item),
        arranging=rowacts.focus(sent, act) if act else "",
    )  # fmt: skip
    title = f"Change “{now['name']}”" if now else "Add a step"
    more: dict[str, Any] = {"title": title, "verb": "Save step" if now else "Add step", "item": item}
    if request.method == "POST" and not act and form.is_valid():
        changed = (now or {}) | form.entry()
        rows = _placed(entry["items"], item, changed)
        return _save(request, draft, entry | {"items": _renamed(rows, item, changed["key"])}, form, **more)
    return _panel(request, draft, form, **more)


def _placed(rows: list[dict[str, Any]], item: str, changed: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps with a changed one in its place, a new one behind the last that it waits for."""
    if item:
        return [changed if row["key"] == item else row for row in rows]
    waits = {after["item"] for after in changed["after"] if not after.get("specification")}
    behind = max((n for n, row in enumerate(rows) if row["key"] in waits), default=len(rows) - 1)
    return [*rows[: behind + 1], changed, *rows[behind + 1 :]]


def _renamed(rows: list[dict[str, Any]], old: str, new: str) -> list[dict[str, Any]]:
    """Steps that wait for a renamed one wait for it by its new key."""
    if not old or old == new:
        return rows
    for row in rows:
        row["after"] = [
            after | {"item": new} if not after.get("specification") and after["item"] == old else after
            for after in row["after"]
        ]
    return rows


def _befores(entry: dict[str, Any], item: str) -> list[tuple[str, str]]:
    """What a step may wait for, as choices: steps of this plan, then those and the ends of the plans in force."""
    own = [(f":{row['key']}", row["name"]) for row in entry["items"] if row["key"] != item]
    others = []
    for plan in planfile.dump():
        if plan["key"] != entry["key"] and plan["action"] == entry["action"]:
            name = plan["specification"]
            others.append((f"{name}:", f"{plan['name']}: its end"))
            others += [(f"{name}:{row['key']}", f"{plan['name']}: {row['name']}") for row in plan["items"]]
    return own + list(dict(others).items())


def _panel(
    request: HttpRequest, draft: PlanDefinition, form: forms.Form, *, status: int = 0, **more: Any
) -> HttpResponse:
    if not is_draft(draft):
        raise planversions.NotADraft(
            f"Version {draft.version} is {draft.state} and stays as it is. Make a new version."
        )
    context = {
        "record": draft, "form": form, "back": draft.get_absolute_url(),
        "edition": request.POST.get("edition") or draft.edition, **more,
    }  # fmt: skip
    return htmx.respond(request, PANEL, context, part="panel", status=status or (422 if form.errors else 200))


def _save(
    request: HttpRequest, draft: PlanDefinition, wanted: dict[str, Any], form: forms.Form, **more: Any
) -> HttpResponse:
    edition = request.POST.get("edition", "")
    try:
        planversions.save(pk=draft.pk, edition=writing.whole(edition), wanted=wanted, by=workspace.person(request))
    except planversions.Unsound as error:
        _tell(form, error, str(form.cleaned_data.get("key", "")))
        return _panel(request, draft, form, status=422, **more)
    except Changed as error:
        form.add_error(None, str(error))
        return _panel(request, draft, form, status=409, **more)
    return htmx.go(request, draft, toast="Saved.")


def _tell(form: forms.Form, error: planversions.Unsound, item: str = "") -> None:
    """Problems at their fields, those of other steps with the step's key before them."""
    for problem in error.found:
        field = {"adapter": "system", "operation": "system", "after": "before_0"}.get(problem.field, problem.field)
        here = problem.item == item and field in form.fields
        text = problem.text if here or not problem.item else f"{problem.item}: {problem.text}"
        form.add_error(field if here else None, text)


@workspace.allowed("fulfillment.change_plandefinition")
@require_POST
def remove(request: HttpRequest, key: str, version: int, item: str) -> HttpResponse:
    """Take a step out of a draft; steps that waited for it wait for what it waited for."""
    draft = find(request, key, version)
    entry = planfile.entry(draft)
    gone = next((row for row in entry["items"] if row["key"] == item), None)
    if gone is None:
        raise Http404("There is no such step.")
    rest = [row for row in entry["items"] if row["key"] != item]
    for row in rest:
        waits = [after for after in row["after"] if after["specification"] or after["item"] != item]
        if len(waits) < len(row["after"]):
            waits += [after for after in gone["after"] if after not in waits]
        row["after"] = waits
    planversions.save(pk=draft.pk, edition=draft.edition, wanted=entry | {"items": rest}, by=workspace.person(request))
    return htmx.go(request, draft, toast=f"“{gone['name']}” is taken out.")


@workspace.allowed("fulfillment.add_plandefinition")
@require_POST
def next_version(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """A draft that begins as a copy of this version."""
    draft = planversions.next_version(pk=find(request, key, version).pk, by=workspace.person(request))
    return htmx.go(request, draft, toast=f"Version {draft.version} is a draft. What is in force stays as it is.")


@workspace.allowed("fulfillment.publish_plan")
@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Bring a draft into force from a day on."""
    draft = find(request, key, version)
    form = PublishForm(request.POST or None)
    more: dict[str, Any] = {"title": f"Publish version {draft.version}", "verb": "Publish", "publishing": True}
    if request.method == "POST" and form.is_valid():
        try:
            made = planversions.publish(
                pk=draft.pk, starts_on=form.cleaned_data["starts_on"], by=workspace.person(request)
            )
        except planversions.Unsound as error:
            _tell(form, error)
        else:
            return htmx.go(request, made, toast=f"Version {made.version} is published.")
    return _panel(request, draft, form, **more)


@workspace.allowed("fulfillment.change_plandefinition")
@require_POST
def discard(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Delete a draft."""
    planversions.discard(pk=find(request, key, version).pk, by=workspace.person(request))
    left = PlanDefinition.objects.filter(key=key).order_by("-version").first()
    return htmx.go(request, left or "fulfillment:plan_list", toast="The draft is gone.")


@workspace.allowed("fulfillment.publish_plan")
@require_POST
def retire(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Take a version out of force."""
    found = find(request, key, version)
    reason = request.POST.get("reason", "").strip()[:500]
    planversions.retire(pk=found.pk, reason=reason, by=workspace.person(request))
    return htmx.go(request, found, toast="Retired. Flows that follow it go on.")


@workspace.allowed("fulfillment.view_plandefinition")
@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Work that runs on other versions: what would change, and moving chosen flows."""
    definition = find(request, key, version)
    results: list[planmigration.Result] = []
    trouble, status = "", 200
    if request.method == "POST":
        chosen = [pk for one in request.POST.getlist("flow") if (pk := writing.whole(one))]
        try:
            results = planmigration.migrate(definition_id=definition.pk, flow_ids=chosen, by=workspace.person(request))
            trouble = "" if chosen else "Choose at least one flow first."
            status = 200 if chosen else 422
        except Refusal as error:
            trouble, status = str(error), error.status
    rows = planmigration.candidates(definition)
    changes = planmigration.preview(definition, rows[:SHOWN])
    context = frame(request, definition, "move") | {
        "changes": changes, "able": sum(not change.why_not for change in changes), "total": rows.count(),
        "results": results, "moved": sum(result.moved for result in results), "trouble": trouble,
        "at_once": planmigration.AT_ONCE,
        "may_move": definition.state == PlanDefinition.State.ACTIVE
        and workspace.person(request).has_perm("fulfillment.publish_plan"),
    }  # fmt: skip
    return htmx.respond(request, "fulfillment/plan_move.html", context, status=status)

"""Enrichment flows: the list, the steps of a version, its trial on a real order, its versions, and editing."""

from functools import cached_property
from typing import Any

from django import forms
from django.db.models import Case, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog.models import Specification
from kernel import decisions, htmx, tablepublication, tables
from kernel.forms import PublishForm, add_errors
from kernel.models import DecisionTable
from kernel.refusal import Refusal
from kernel.templatetags.trunkline import state_html
from kernel.workspace import allowed, person
from orders import flowdrafts, flowpublication, flowtrial
from orders.models import EnrichmentFlow, Order

VIEW, ADD = "orders.view_enrichmentflow", "orders.add_enrichmentflow"
EDIT, PUBLISH = "orders.change_enrichmentflow", "orders.publish_enrichmentflow"
SAMPLES = 30  # orders offered for a trial


def _products() -> list[tuple[str, str]]:
    rows = Specification.objects.filter(state="active", kind="product").order_by("name")
    return [("", "Every product"), *rows.values_list("key", "name")]


class DescribeForm(forms.Form):
    """What a flow is called, and for which lines it is."""

    title = forms.CharField(max_length=120, label="Title", help_text="What it fills, such as Access of internet sites.")
    specification = forms.ChoiceField(label="Product", required=False, choices=_products)
    action = forms.ChoiceField(label="For", required=False, choices=EnrichmentFlow.ForAction.choices)


class NewFlowForm(DescribeForm):
    """A flow that does not exist yet."""

    key = forms.CharField(max_length=80, label="Key", help_text="A short name that stays, such as internet-access.")
    field_order = ("title", "key", "specification", "action")


class StepForm(forms.Form):
    """One step."""

    table = forms.ChoiceField(label="Decision table", error_messages={"required": "Choose the table to ask."})
    condition = forms.CharField(
        max_length=300, label="Only if", required=False,
        help_text="Facts and values compared, such as country == 'NL' and bandwidth == '1G'. Empty means always.",
    )  # fmt: skip
    note = forms.CharField(max_length=200, label="Why", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = DecisionTable.objects.in_force().values_list("key", "title")
        offered = sorted(((key, f"{title} ({key})") for key, title in rows), key=lambda one: one[1])
        field: Any = self.fields["table"]
        field.choices = [("", "Choose"), *offered]


class Standing(tables.Text):
    """How the version stands, in a state's look."""

    def shown(self, value: Any, record: Any) -> Any:
        return state_html(tablepublication.standing(record, record.pk if record.counts else None))


class Asked(tables.Text):
    """The tables of the steps by their titles, in their order."""

    @cached_property
    def titles(self) -> dict[str, str]:
        return dict(DecisionTable.objects.in_force().values_list("key", "title"))

    def shown(self, value: Any, record: Any) -> str:
        keys = [step.get("table", "") for step in value or []]
        return ", then ".join(self.titles.get(key, key) for key in keys) or "Nothing yet"


class FlowTable(tables.Table):
    """One row for each flow."""

    title = tables.Name(url=lambda row: row.get_absolute_url(), sub="key")
    product = tables.Text(orderable=False, verbose_name="For", sub=lambda row: row.get_action_display())
    steps = Asked(orderable=False, verbose_name="Asks", optional=True)
    state = Standing(orderable=False, sub=lambda row: f"version {row.version}")
    valid_from = tables.Date(verbose_name="Since", orderable=False, optional=True)


class FlowList(tables.ListPage):
    """Every flow in the version that counts, or in its newest one."""

    title = "Enrichment flows"
    lead = "which tables fill technical data, in which order"
    model = EnrichmentFlow
    table = FlowTable
    search = ("title", "key", "specification")
    search_label = "Title, key or product"
    sort = "title"
    export = False
    new = tables.New("New flow", "orders:flow_new", ADD)
    empty = tables.Empty(
        "route", "No flow yet",
        "A flow asks decision tables one after the other to fill the technical data of an order line. Without a flow, "
        "a product is filled by its own table, enrichment:<product>.",
    )  # fmt: skip

    def rows(self) -> Any:
        """Drafts only where nothing is in force."""
        seen = EnrichmentFlow.objects.visible_to(person(self.request))
        counting = dict(seen.in_force().values_list("key", "pk"))
        newest = dict(seen.order_by("key", "version").values_list("key", "pk"))
        picked = [counting.get(key, pk) for key, pk in newest.items()]
        names = [When(specification=key, then=Value(name)) for key, name in _products()]
        counts = Case(When(pk__in=list(counting.values()), then=Value(True)), default=Value(False))
        return seen.filter(pk__in=picked).annotate(counts=counts, product=Case(*names, default=Value("A product")))


@allowed("kernel.use_workspace", VIEW)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list."""
    drafts = EnrichmentFlow.objects.visible_to(person(request)).filter(state="draft").order_by("title")
    return tables.show(request, FlowList, "orders/flows.html", {"drafts": drafts})


def version_of(request: HttpRequest, key: str, version: int) -> EnrichmentFlow:
    """The version if this person may see it. Raises Http404 otherwise."""
    found = EnrichmentFlow.objects.visible_to(person(request)).filter(key=key, version=version).first()
    if found is None:
        raise Http404("There is no such version of an enrichment flow.")
    return found  # type: ignore[no-any-return]


@allowed("kernel.use_workspace", VIEW)
@require_safe
def steps(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """The steps, and what the checks say of them."""
    flow = version_of(request, key, version)
    keys = {step.get("table", "") for step in flow.steps}
    known = {table.key: table for table in DecisionTable.objects.in_force().filter(key__in=keys)}
    problems = flowpublication.problems(flow) if flow.state != "retired" else []
    lines = [
        {**step, "id": step.get("_id", ""), "number": number, "found": known.get(step.get("table", "")),
         "looks": decisions.mentioned(known[step["table"]]) if step.get("table") in known else [],
         "fills": sorted(flowpublication.fills(known[step["table"]])) if step.get("table") in known else [],
         "wrong": any(problem.step == number for problem in problems)}
        for number, step in enumerate(flow.steps, 1)
    ]  # fmt: skip
    context = _head(request, flow, "steps") | {"lines": lines, "problems": problems}
    return htmx.respond(request, "orders/flow.html", context)


@allowed("kernel.use_workspace", VIEW)
@require_safe
def trial(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """The flow on a real order, step by step."""
    flow = version_of(request, key, version)
    seen = Order.objects.visible_to(person(request))
    offered = seen.filter(lines__isnull=False)
    if flow.specification:
        offered = offered.filter(lines__specification__key=flow.specification)
    orders = list(offered.distinct().select_related("account").order_by("-id")[:SAMPLES])
    asked = request.GET.get("order", "").strip()[:20]
    order = seen.select_related("account").filter(number=asked).first() if asked else next(iter(orders), None)
    context = _head(request, flow, "trial") | {"orders": orders, "order": order, "asked": asked}
    if order is not None:
        walked, total = flowtrial.try_on(flow, order)
        context |= {"walked": walked, "total": total, "missing": sum(len(one.missing) for one in walked)}
        context["titles"] = dict(DecisionTable.objects.in_force().values_list("key", "title"))
    return htmx.respond(request, "orders/flow_trial.html", context)


@allowed("kernel.use_workspace", VIEW)
@require_safe
def versions(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Every version, and what was done."""
    flow = version_of(request, key, version)
    return htmx.respond(request, "orders/flow_versions.html", _head(request, flow, "versions"))


@allowed("kernel.use_workspace", VIEW, ADD)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The form of a new flow; made, it is a draft."""
    form = NewFlowForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = flowdrafts.create(**form.cleaned_data, by=person(request))
            return htmx.go(request, made, toast="The draft is made. Add its steps.")
        except Refusal as error:
            add_errors(form, error)
    return htmx.respond(request, "orders/flow_new.html", {"form": form}, status=422 if form.is_bound else 200)


@allowed("kernel.use_workspace", VIEW, EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def describe(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Title and scope, in a dialog."""
    flow = version_of(request, key, version)
    initial = {"title": flow.title, "specification": flow.specification, "action": flow.action}
    form = DescribeForm(request.POST) if request.method == "POST" else DescribeForm(initial=initial)
    if request.method == "POST" and form.is_valid():
        flowdrafts.describe(flow_id=flow.pk, **form.cleaned_data, by=person(request))
        return htmx.go(request, flow)
    context = {"form": form, "url": _url(flow, "flow_describe"), "title": "Describe this flow", "word": "Save"}
    return render(request, "components/dialog_form.html", context, status=422 if form.errors else 200)


@allowed("kernel.use_workspace", VIEW, EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def step(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """The form of one step, new or present, in a dialog; `step` is the present one."""
    flow, by = version_of(request, key, version), person(request)
    old = request.GET.get("step", "") or request.POST.get("step", "")
    present: dict[str, Any] = next((one for one in flow.steps if one.get("_id") == old), {})
    form = StepForm(request.POST) if request.method == "POST" else StepForm(initial=present)
    if request.method == "POST" and form.is_valid():
        try:
            if old:
                flowdrafts.write_step(flow_id=flow.pk, step=old, by=by, **form.cleaned_data)
            else:
                flowdrafts.add_step(flow_id=flow.pk, by=by, **form.cleaned_data)
            return htmx.go(request, flow)
        except Refusal as error:
            if error.status != 422:
                raise
            add_errors(form, error)
    context = {
        "form": form, "url": _url(flow, "flow_step"), "hidden": {"step": old}, "word": "Save" if old else "Add",
        "title": "Change this step" if old else "Add a step",
    }  # fmt: skip
    return render(request, "components/dialog_form.html", context, status=422 if form.errors else 200)


@allowed("kernel.use_workspace", VIEW, EDIT)
@require_POST
def arrange(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Move or remove one step."""
    flow, by = version_of(request, key, version), person(request)
    act, which = request.POST.get("act", ""), request.POST.get("step", "")
    if act == "remove":
        flowdrafts.remove_step(flow_id=flow.pk, step=which, by=by)
    elif act in ("up", "down"):
        flowdrafts.move_step(flow_id=flow.pk, step=which, steps=-1 if act == "up" else 1, by=by)
    else:
        raise Refusal("There is no such thing to do with a step.")
    return htmx.go(request, flow)


@allowed("kernel.use_workspace", VIEW, EDIT)
@require_POST
def revise(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """A draft of the next version."""
    made = flowdrafts.revise(flow_id=version_of(request, key, version).pk, by=person(request))
    return htmx.go(request, made, toast=f"Version {made.version} is a draft. Nothing changes until you publish it.")


@allowed("kernel.use_workspace", VIEW, EDIT)
@require_POST
def discard(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Throw the draft away."""
    flowdrafts.discard(flow_id=version_of(request, key, version).pk, by=person(request))
    return htmx.go(request, "orders:flow_list", toast="The draft is gone.")


@allowed("kernel.use_workspace", VIEW, PUBLISH)
@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """The form that asks for the start date, in a dialog, with all that still keeps the draft back."""
    flow = version_of(request, key, version)
    today = timezone.localdate()
    form = PublishForm(request.POST) if request.method == "POST" else PublishForm(initial={"valid_from": today})
    if request.method == "POST" and form.is_valid():
        try:
            made = flowpublication.publish(flow_id=flow.pk, by=person(request), **form.cleaned_data)
            return htmx.go(request, made, toast=f"Version {made.version} counts from {made.valid_from:%-d %b %Y}.")
        except tablepublication.NotReady as error:
            add_errors(form, error)
    stops = [problem.text for problem in flowpublication.problems(flow, today)] if flow.state == "draft" else []
    context = {
        "form": form, "version": version, "stops": stops, "who": "Enrichment", "url": _url(flow, "flow_publish"),
        "trial_url": _url(flow, "flow_trial"),
    }  # fmt: skip
    return render(request, "decisions/publish.html", context, status=422 if form.errors else 200)


@allowed("kernel.use_workspace", VIEW, PUBLISH)
@require_POST
def retire(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Take a version out of force."""
    reason = request.POST.get("reason", "").replace("\x00", "")
    made = flowpublication.retire(flow_id=version_of(request, key, version).pk, by=person(request), reason=reason)
    return htmx.go(request, made, toast=f"Version {made.version} is retired.")


def _url(flow: EnrichmentFlow, name: str) -> str:
    return reverse(f"orders:{name}", args=[flow.key, flow.version])


def _head(request: HttpRequest, flow: EnrichmentFlow, here: str) -> dict[str, Any]:
    """What every page of a version shows."""
    user = person(request)
    every = list(EnrichmentFlow.objects.visible_to(user).filter(key=flow.key).order_by("-version"))
    in_force = EnrichmentFlow.objects.in_force().filter(key=flow.key).values_list("pk", flat=True).first()
    edits = user.has_perm(EDIT)
    draft = next((one for one in every if one.state == "draft"), None)
    tabs = [("steps", "Steps", "flow", len(flow.steps)), ("trial", "Try it on an order", "flow_trial", None),
            ("versions", "Versions", "flow_versions", len(every))]  # fmt: skip
    return {
        "flow": flow, "record": flow, "draft": draft, "standing": tablepublication.standing(flow, in_force),
        "versions": [(one, tablepublication.standing(one, in_force), one.get_absolute_url()) for one in every],
        "product": dict(_products()).get(flow.specification, flow.specification),
        "may_edit": edits and flow.state == "draft", "may_revise": edits and draft is None and flow.state != "draft",
        "may_publish": user.has_perm(PUBLISH),
        "tabs": [{"label": label, "url": _url(flow, name), "count": count, "here": key == here}
                 for key, label, name, count in tabs],
    }  # fmt: skip

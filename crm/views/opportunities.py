"""Opportunities: the list, the board, the record with its stages and lines."""

from typing import Any

import django_filters
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import forecast, pipeline, queries
from crm.forms import OpportunityForm, OpportunityLineForm, StageForm, refuse
from crm.models import Account, Opportunity, OpportunityLine, Stage
from crm.views import editing_of, lazily, listedits
from crm.views.owning import giving
from kernel import editing, htmx, tables
from kernel.refusal import Refusal
from kernel.workspace import allowed, person


class OpportunityTable(tables.Table):
    """Columns of the list of opportunities."""

    name = tables.Name(url="crm:opportunity", arg="number", sub="number", verbose_name="Opportunity")
    account = tables.Text(verbose_name="Customer", order_by=("account__name",))
    stage = tables.Text(order_by=("stage__position",), sub=lambda deal: f"{deal.stage.probability} %")
    state = tables.State(optional=True)
    monthly = tables.Money(verbose_name="A month")
    close_on = tables.Due(verbose_name="Signature", done=lambda deal: deal.state != "open")
    next_step = tables.Text(optional=True)
    owner = tables.Avatar(optional=True, order_by=("owner__last_name",))


class OpportunityFilter(tables.Filters):
    """Filters of the list of opportunities."""

    state = tables.States(Opportunity)
    stage = django_filters.ModelChoiceFilter(queryset=Stage.objects.all(), to_field_name="key", empty_label="Any")
    owner = tables.Records("crm.seller")

    month = tables.Choices(label="Signature", choices=forecast.choices, method="by_month")

    class Meta:
        model = Opportunity
        fields = ["state", "stage", "owner", "month"]

    def by_month(self, rows: Any, name: str, value: str) -> Any:
        """Signatures expected in a month, or before this one."""
        return rows.filter(forecast.within(value))


class Opportunities(tables.ListPage):
    """The list of opportunities."""

    title = "Opportunities"
    model = Opportunity
    table = OpportunityTable
    filters = OpportunityFilter
    search = ("number", "name", "account__name")
    search_label = "Name, customer, number"
    sort = "close_on"
    related = ("account", "stage", "owner")
    empty = tables.Empty(
        "target-arrow",
        "No opportunities yet",
        "A deal in the making: convert a lead, or open one on a customer’s page.",
    )
    new = tables.New("New opportunity", "crm:opportunity_new", "crm.add_opportunity")
    edits = listedits.OPPORTUNITIES
    acts = (giving(Opportunity, "crm.change_opportunity"),)


@allowed("crm.view_opportunity")
@require_safe
def opportunities(request: HttpRequest) -> Any:
    """All opportunities as a list."""
    return tables.show(request, Opportunities, template="crm/opportunity_list.html")


@allowed("crm.view_opportunity")
@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """Open opportunities by stage."""
    user = person(request)
    mine = request.GET.get("owner") == "me"
    text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    lanes = queries.board(user, owner=user.pk if mine else None, text=text)
    context = {
        "lanes": lanes, "stages": list(Stage.objects.all()), "mine": mine, "query": text,
        "may_move": user.has_perm("crm.work_opportunity"), "count": sum(lane.count for lane in lanes),
        "may_add": user.has_perm("crm.add_opportunity"),
    }  # fmt: skip
    return htmx.respond(request, "crm/opportunity_board.html", context, part="board")


@allowed("crm.view_opportunity")
@require_safe
def forecasted(request: HttpRequest) -> HttpResponse:
    """What is likely to be signed, by owner and month."""
    wanted = request.GET.get("currency", "")[:3]
    found = forecast.forecast(person(request), currency=wanted, mine=request.GET.get("owner") == "me")
    context = {"found": found, "mine": request.GET.get("owner") == "me"}
    return htmx.respond(request, "crm/opportunity_forecast.html", context)


@allowed("crm.add_opportunity")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Open an opportunity for a customer; without one, the customer is chosen first."""
    user = person(request)
    wanted = request.GET.get("account", "")
    if not wanted:
        text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
        rows = Account.objects.visible_to(user).filter(name__icontains=text).order_by("name")
        context: dict[str, Any] = {"query": text, "accounts": rows[:20] if text else []}
        return htmx.respond(request, "crm/opportunity_choose.html", context, part="found")
    account = get_object_or_404(Account.objects.visible_to(user), number=wanted)
    form = OpportunityForm(request.POST or None, account=account, by=user, initial={"owner": user.pk})
    if request.method == "POST" and form.is_valid():
        try:
            made = pipeline.open_opportunity(account_id=account.pk, by=user, **form.cleaned_data)
        except Refusal as error:
            refuse(form, error)
        else:
            return htmx.go(request, made, toast=f"{made.name} is open.")
    context = {
        "form": form, "title": "New opportunity", "verb": "Open opportunity", "back": account.get_absolute_url(),
        "crumbs": [("Customers", reverse("crm:account_list")), (account.name, account.get_absolute_url())],
    }  # fmt: skip
    return htmx.respond(request, "crm/panel_form.html", context, part="panel", status=422 if form.errors else 200)


@allowed("crm.view_opportunity")
@require_safe
def opportunity(request: HttpRequest, number: str) -> HttpResponse:
    """One opportunity."""
    return _page(request, _opportunity(request, number))


@allowed("crm.view_opportunity", "crm.change_opportunity")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, number: str) -> HttpResponse:
    """Change what an opportunity says; a second editor sees what differs."""
    record = _opportunity(request, number)
    name, edition = record.name, record.edition
    conflict: editing.Changed | None = None
    form = OpportunityForm(request.POST or None, account=record.account, by=person(request), instance=record)
    if request.method == "POST" and form.is_valid():
        try:
            editing.edit(
                Opportunity, record.pk, edition=editing_of(request), values=form.cleaned_data, by=person(request)
            )
        except editing.Changed as error:
            conflict, edition = error, error.edition
        else:
            return htmx.go(request, "crm:opportunity", number, toast="The opportunity is saved.")
    context = {
        "form": form, "title": f"Change {name}", "verb": "Save opportunity", "edition": edition, "conflict": conflict,
        "back": record.get_absolute_url(),
        "crumbs": [("Opportunities", reverse("crm:opportunity_list")), (name, record.get_absolute_url())],
    }  # fmt: skip
    status = 409 if conflict else 422 if form.errors else 200
    return htmx.respond(request, "crm/panel_form.html", context, part="panel", status=status)


@allowed("crm.view_opportunity", "crm.work_opportunity")
@require_http_methods(["GET", "HEAD", "POST"])
def stage(request: HttpRequest, number: str) -> HttpResponse:
    """Move to another stage; one that closes or reopens asks for the reason first."""
    record = _opportunity(request, number)
    key = (request.POST if request.method == "POST" else request.GET).get("stage", "")
    target = Stage.objects.filter(key=key).first()
    reason = request.POST.get("reason", "").replace("\x00", "").strip()
    form = StageForm(request.POST if "reason" in request.POST else None, initial={"stage": key})
    asks = target is not None and (target.outcome != Stage.Outcome.OPEN or record.state != Opportunity.State.OPEN)
    if request.method == "POST" and not (asks and not reason):
        moved = pipeline.move_stage(opportunity_id=record.pk, stage_key=key, by=person(request), reason=reason[:200])
        back = request.POST.get("back", "")
        to = "crm:opportunity_board" if back == "board" else moved.get_absolute_url()
        return htmx.go(request, to, toast=f"{moved.name} is in {moved.stage.name}.")
    if target is None:
        raise pipeline.NoSuchStage(problems={"stage": ["Choose one of the stages of the pipeline."]})
    context = {
        "form": form,
        "record": record,
        "target": target,
        "back": request.GET.get("back", request.POST.get("back", "")),
    }
    status = 422 if request.method == "POST" else 200
    return htmx.respond(request, "crm/opportunity_stage.html", context, part="dialog", status=status)


@allowed("crm.view_opportunity", "crm.change_opportunity")
@require_POST
def add_line(request: HttpRequest, number: str) -> HttpResponse:
    """Note what might be sold."""
    record = _opportunity(request, number)
    form = OpportunityLineForm(request.POST, by=person(request))
    if not form.is_valid():
        return _page(request, record, form=form, status=422)
    data = form.cleaned_data
    pipeline.add_line(
        opportunity_id=record.pk, by=person(request), offering_id=getattr(data["offering"], "pk", None),
        description=data["description"], quantity=data["quantity"] or 1, monthly=data["monthly"] or 0,
        one_time=data["one_time"] or 0,
    )  # fmt: skip
    return _after_line(request, number)


@allowed("crm.view_opportunity", "crm.change_opportunity")
@require_POST
def remove_line(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Take a line off."""
    record = _opportunity(request, number)
    line = get_object_or_404(OpportunityLine, pk=pk, opportunity=record)
    pipeline.remove_line(line_id=line.pk, by=person(request))
    return _after_line(request, number)


def _after_line(request: HttpRequest, number: str) -> HttpResponse:
    if getattr(request, "htmx", False):
        return _page(request, _opportunity(request, number))
    return redirect("crm:opportunity", number)


def _opportunity(request: HttpRequest, number: str) -> Opportunity:
    rows = Opportunity.objects.visible_to(person(request)).select_related("account", "contact", "stage", "owner")
    found: Opportunity = get_object_or_404(rows, number=number)
    return found


def _page(
    request: HttpRequest, record: Opportunity, *, form: OpportunityLineForm | None = None, status: int = 200
) -> HttpResponse:
    user = person(request)
    is_open = record.state == Opportunity.State.OPEN
    context = {
        "record": record, "title": record.name, "stages": list(Stage.objects.all()), "is_open": is_open,
        "crumbs": [
            ("Opportunities", reverse("crm:opportunity_list")),
            (record.account.name, record.account.get_absolute_url()),
        ],
        "lines": record.lines.select_related("offering").order_by("pk"),
        "line_form": form or OpportunityLineForm(by=user),
        "may_move": user.has_perm("crm.work_opportunity"),
        "may_reopen": user.has_perm("crm.reopen_opportunity"),
        "may_change": user.has_perm("crm.change_opportunity") and is_open,
        "panels": lazily(record, ("Quotes", "contracts:of_opportunity")),
        "quote_url": _quote_url(record, user),
    }  # fmt: skip
    return htmx.respond(request, "crm/opportunity.html", context, part="lines", status=status)


def _quote_url(record: Opportunity, user: Any) -> str:
    """Where a quote for this opportunity is begun, if this person may and the app above offers it."""
    if not user.has_perm("contracts.edit_quote"):
        return ""
    try:
        return f"{reverse('contracts:quote_new')}?opportunity={record.pk}"
    except NoReverseMatch:
        return ""

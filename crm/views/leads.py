"""Leads: the list, the form with its live warning of doubles, the record."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import capture
from crm.forms import SOURCES, LeadForm, LineForm, LineFormSet, lines_of, refuse
from crm.models import Lead
from crm.views import editing_of, listedits
from crm.views.owning import giving
from kernel import editing, htmx, many, tables
from kernel.forms import ReasonForm
from kernel.refusal import Conflict, Refusal
from kernel.workspace import allowed, person


class Word(tables.Text):
    """A key such as web or referral, as a word."""

    def shown(self, value: Any, record: Any) -> str:
        return str(value).capitalize() if value else "–"


class LeadTable(tables.Table):
    """Columns of the list of leads."""

    title = tables.Name(url="crm:lead", arg="number", sub="number", verbose_name="Lead", order_by=("company",))
    person = tables.Text(verbose_name="Contact", sub="job_title", order_by=("last_name",), optional=True)
    state = tables.Pill(loud=lambda lead: lead.state == Lead.State.QUALIFIED)
    rating = tables.State(optional=True)
    score = tables.Number(optional=True)
    source = Word(optional=True)
    owner = tables.Avatar(optional=True, order_by=("owner__last_name",))
    created_at = tables.Day(verbose_name="Captured")


class LeadFilter(tables.Filters):
    """Filters of the list of leads."""

    state = tables.States(Lead, before=[("open", "Open")], method="by_state")
    rating = tables.Choices(choices=Lead.Rating.choices)
    source = tables.Choices(choices=[(name, name.capitalize()) for name in SOURCES])
    owner = tables.Records("crm.seller")
    file = tables.Records("crm.leadimport", field_name="came_with", empty_label="Any")

    class Meta:
        model = Lead
        fields = ["state", "rating", "source", "owner", "file"]

    def by_state(self, rows: Any, name: str, value: str) -> Any:
        """One state, or everything that is still open."""
        if value == "open":
            return rows.exclude(state__in=(Lead.State.CONVERTED, Lead.State.DISQUALIFIED))
        return rows.filter(state=value)


class Leads(tables.ListPage):
    """The list of leads."""

    title = "Leads"
    model = Lead
    table = LeadTable
    filters = LeadFilter
    search = ("number", "company", "first_name", "last_name", "email")
    search_label = "Company, person, e-mail, number"
    sort = "-created_at"
    related = ("owner",)
    empty = tables.Empty(
        "user-plus", "No leads yet", "A lead is interest that nobody has checked. Write one down when somebody asks."
    )
    new = tables.New("New lead", "crm:lead_new", "crm.add_lead")
    edits = listedits.LEADS
    acts = (
        giving(Lead, "crm.change_lead"),
        many.moves(Lead, "contact", icon="phone"),
        many.moves(Lead, "disqualify", icon="circle-x", form=ReasonForm),
    )


@allowed("crm.view_lead")
@require_safe
def leads(request: HttpRequest) -> Any:
    """All leads."""
    return tables.show(request, Leads, template="crm/lead_list.html")


@allowed("crm.add_lead")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Write down a lead."""
    form = LeadForm(request.POST or None)
    lines = LineFormSet(request.POST or None, prefix="lines", form_kwargs={"by": person(request)})
    if request.method == "POST" and _both_valid(form, lines):
        try:
            lead = capture.capture(by=person(request), lines=lines_of(lines), **form.cleaned_data)
        except Refusal as error:
            refuse(form, error)
        else:
            return htmx.go(request, "crm:lead", lead.number, toast=f"{lead.title} is captured.")
    context = {"form": form, "lines": lines, "doubles": _doubles(request)}
    return htmx.respond(request, "crm/lead_form.html", context, status=422 if form.errors or _wrong(lines) else 200)


@allowed("crm.view_lead")
@require_safe
def lead(request: HttpRequest, number: str) -> HttpResponse:
    """One lead."""
    record = _lead(request, number)
    context = {
        "record": record,
        "title": record.title,
        "crumbs": [("Leads", reverse("crm:lead_list"))],
        "lines": record.lines.select_related("offering").order_by("pk"),
        "doubles": _doubles_of(request, record),
        "may_convert": record.state == Lead.State.QUALIFIED and person(request).has_perm("crm.convert_lead"),
        "may_change": record.state != Lead.State.CONVERTED and person(request).has_perm("crm.change_lead"),
    }
    return htmx.respond(request, "crm/lead.html", context)


@allowed("crm.view_lead", "crm.change_lead")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, number: str) -> HttpResponse:
    """Correct a lead; a second editor sees what differs."""
    record = _lead(request, number)
    if why := capture.why_not(record):
        raise Conflict(why)
    title, edition = record.title, record.edition
    form = LeadForm(request.POST or None, instance=record)
    lines = LineFormSet(
        request.POST or None, prefix="lines", initial=_initial(record), form_kwargs={"by": person(request)}
    )
    conflict: editing.Changed | None = None
    status = 200
    if request.method == "POST" and _both_valid(form, lines):
        try:
            capture.change(
                lead_id=record.pk, edition=editing_of(request), by=person(request), lines=lines_of(lines),
                **form.cleaned_data,
            )  # fmt: skip
        except editing.Changed as error:
            conflict, status, edition = error, error.status, error.edition
        except Refusal as error:
            refuse(form, error)
            status = error.status
        else:
            return htmx.go(request, "crm:lead", number, toast="The lead is saved.")
    context = {
        "form": form, "lines": lines, "title": title, "number": number, "edition": edition, "conflict": conflict,
        "doubles": [],
    }  # fmt: skip
    if status == 200 and (form.errors or _wrong(lines)):
        status = 422
    return htmx.respond(request, "crm/lead_form.html", context, status=status)


@allowed("crm.view_lead", "crm.work_lead", "crm.change_lead")
@require_POST
def absorb(request: HttpRequest, number: str) -> HttpResponse:
    """Take over what another lead of the same person says."""
    record, other = _lead(request, number), _lead(request, request.POST.get("other", "")[:20])
    capture.absorb(lead_id=record.pk, other_id=other.pk, by=person(request))
    return htmx.go(request, record, toast=f"{other.number} is put aside; what it said stands here.")


@allowed("crm.add_lead")
@require_safe
def doubles(request: HttpRequest) -> HttpResponse:
    """While typing: records that may be the same party."""
    return render(request, "crm/lead_form.html#doubles", {"doubles": _doubles(request)})


@allowed("crm.add_lead")
@require_safe
def line(request: HttpRequest) -> HttpResponse:
    """One more empty row of lines, and the count that goes with it."""
    at = request.GET.get("lines-TOTAL_FORMS", "1")
    count = min(int(at), 49) if at.isdecimal() and len(at) < 4 else 1
    row = LineForm(prefix=f"lines-{count}", by=person(request))
    return render(request, "crm/lead_form.html#more", {"line": row, "count": count + 1})


def _lead(request: HttpRequest, number: str) -> Lead:
    rows = Lead.objects.visible_to(person(request)).select_related("owner", "converted_to")
    found: Lead = get_object_or_404(rows, number=number)
    return found


def _both_valid(form: LeadForm, lines: Any) -> bool:
    return all([form.is_valid(), lines.is_valid()])


def _wrong(lines: Any) -> bool:
    return bool(lines.is_bound and not lines.is_valid())


def _initial(record: Lead) -> list[dict[str, Any]]:
    rows = record.lines.order_by("pk").values("offering", "description", "quantity")
    return [dict(row) for row in rows]


def _doubles(request: HttpRequest) -> list[capture.Double]:
    typed = request.POST if request.method == "POST" else request.GET
    wanted: dict[str, Any] = {
        name: typed.get(name, "").replace("\x00", "")[:120] for name in ("company", "email", "last_name")
    }
    return capture.doubles(person(request), **wanted)


def _doubles_of(request: HttpRequest, record: Lead) -> list[capture.Double]:
    if record.state in (Lead.State.CONVERTED, Lead.State.DISQUALIFIED):
        return []
    return capture.doubles(
        person(request), company=record.company, email=record.email, last_name=record.last_name, but_lead=record.pk
    )

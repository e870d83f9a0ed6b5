"""Cases: the list, the form, the record."""

from typing import Any

from django.db.models import Case as DbCase
from django.db.models import Count, Q, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import casework
from crm.forms import CaseForm, refuse
from crm.models import Account, Case
from crm.views import editing_of, listedits
from kernel import editing, htmx, many, tables
from kernel.forms import ReasonForm
from kernel.refusal import Refusal
from kernel.workspace import allowed, person

SHOWN = 8  # cases on the page of their customer


class CaseTable(tables.Table):
    """Columns of the list of cases."""

    title = tables.Name(url="crm:case", arg="number", sub="number", verbose_name="Case")
    account = tables.Text(verbose_name="Customer", order_by=("account__name",))
    state = tables.Pill(loud=lambda case: case.state == Case.State.ACKNOWLEDGED)
    kind = tables.Text(optional=True)
    severity = tables.State()
    owner = tables.Avatar(optional=True, order_by=("owner__last_name",))
    due_at = tables.Due(verbose_name="To be solved by")


class CaseFilter(tables.Filters):
    """Filters of the list of cases."""

    state = tables.States(Case, before=[("open", "Open")], method="by_state")
    severity = tables.Choices(choices=Case.Severity.choices)
    kind = tables.Choices(choices=Case.Kind.choices)
    owner = tables.Records("crm.helper")

    class Meta:
        model = Case
        fields = ["state", "severity", "kind", "owner"]

    def by_state(self, rows: Any, name: str, value: str) -> Any:
        """One state, or everything that somebody still works on."""
        if value == "open":
            return rows.filter(state__in=Case.OPEN)
        return rows.filter(state=value)


class Cases(tables.ListPage):
    """The list of cases."""

    title = "Cases"
    model = Case
    table = CaseTable
    filters = CaseFilter
    search = ("number", "title", "account__name", "about", "their_reference")
    search_label = "Words, customer, number"
    sort = "due_at"
    related = ("account", "owner")
    empty = tables.Empty(
        "headset", "No cases yet", "A case is what a customer reports, asks or complains about. Write it down when one "
        "does; systems of customers and partners report over the interface."
    )  # fmt: skip
    edits = listedits.CASES
    new = tables.New("New case", "crm:case_new", "crm.add_case")
    acts = (
        many.moves(Case, "start", icon="player-play"),
        many.moves(Case, "hold", icon="player-pause", form=ReasonForm),
        many.moves(Case, "close", icon="check"),
    )


@allowed("crm.view_case")
@require_safe
def cases(request: HttpRequest) -> Any:
    """All cases."""
    return tables.show(request, Cases)


@allowed("crm.view_case")
@require_safe
def of_account(request: HttpRequest, pk: int) -> HttpResponse:
    """The cases of an account and everything below it, open ones first, for the account's page."""
    user = person(request)
    account = get_object_or_404(Account.objects.visible_to(user), pk=pk)
    rows = Case.objects.visible_to(user).filter(account__path__startswith=account.path)
    is_open = DbCase(When(state__in=Case.OPEN, then=0), default=1)
    counted = rows.aggregate(all=Count("pk"), open=Count("pk", filter=Q(state__in=Case.OPEN)))
    found = rows.select_related("account", "owner").order_by(is_open, "due_at", "-pk")[:SHOWN]
    context = {"account": account, "cases": found, "counted": counted, "may_add": user.has_perm("crm.add_case")}
    return render(request, "crm/of_account_cases.html", context)


@allowed("crm.add_case")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Write down a case."""
    form = CaseForm(request.POST or None, user=person(request), initial={"account": request.GET.get("account")})
    if request.method == "POST" and form.is_valid():
        try:
            case = casework.report(by=person(request), **form.cleaned_data)
        except Refusal as error:
            refuse(form, error)
        else:
            return htmx.go(request, "crm:case", case.number, toast=f"{case.number} is here.")
    return htmx.respond(request, "crm/case_form.html", {"form": form}, status=422 if form.errors else 200)


@allowed("crm.view_case")
@require_safe
def case(request: HttpRequest, number: str) -> HttpResponse:
    """One case."""
    record, user = _case(request, number), person(request)
    context = {
        "record": record, "title": record.title, "crumbs": [("Cases", reverse("crm:case_list"))],
        "about_url": _page_of(record.about), "is_late": record.is_open and record.due_at < timezone.now(),
        "may_change": record.is_open and user.has_perm("crm.change_case"),
        "may_resolve": record.state == Case.State.IN_PROGRESS and user.has_perm("crm.work_case"),
        "may_take": record.is_open and record.owner != user and user.has_perm("crm.work_case"),
    }  # fmt: skip
    return htmx.respond(request, "crm/case.html", context)


@allowed("crm.view_case", "crm.change_case")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, number: str) -> HttpResponse:
    """Correct a case; a second editor sees what differs."""
    record = _case(request, number)
    casework.require_open(record)
    title, edition, pk = record.title, record.edition, record.pk
    form = CaseForm(request.POST or None, instance=record, user=person(request))
    conflict: editing.Changed | None = None
    status = 200
    if request.method == "POST" and form.is_valid():
        told = {name: value for name, value in form.cleaned_data.items() if name != "account"}
        try:
            casework.change(case_id=pk, edition=editing_of(request), by=person(request), **told)
        except editing.Changed as error:
            conflict, status, edition = error, error.status, error.edition
        except Refusal as error:
            refuse(form, error)
        else:
            return htmx.go(request, "crm:case", number, toast="The case is saved.")
    context = {"form": form, "title": title, "number": number, "edition": edition, "conflict": conflict}
    if status == 200 and form.errors:
        status = 422
    return htmx.respond(request, "crm/case_form.html", context, status=status)


@allowed("crm.view_case", "crm.work_case")
@require_POST
def take(request: HttpRequest, number: str) -> HttpResponse:
    """It is mine now."""
    record = _case(request, number)
    casework.take(case_id=record.pk, by=person(request))
    return htmx.go(request, "crm:case", number, toast=f"{number} is yours.")


def _case(request: HttpRequest, number: str) -> Case:
    rows = Case.objects.visible_to(person(request)).select_related("account", "contact", "owner")
    found: Case = get_object_or_404(rows, number=number)
    return found


def _page_of(number: str) -> str:
    """The page of what a case is about, which checks for itself who may see it."""
    try:
        return reverse(casework.PAGES[number[:3]], args=[number]) if number else ""
    except (KeyError, NoReverseMatch):
        return ""

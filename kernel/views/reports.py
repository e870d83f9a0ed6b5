"""Reports and dashboards: the shelf, one report with its chart and table, its file, and what is sent by e-mail."""

import io
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kernel import csvfile, htmx, listfile, reporting, writing
from kernel.forms import ReportMailForm, add_errors
from kernel.models import ReportMail
from kernel.refusal import Refusal
from kernel.reporting import mailing
from kernel.workspace import allowed, person

WORKS = "kernel.use_workspace"


@allowed(WORKS)
@require_safe
def shelf(request: HttpRequest) -> HttpResponse:
    """Every dashboard and report that this person may see, and what is sent to them."""
    user = person(request)
    mails = list(ReportMail.objects.visible_to(user).select_related("owner").prefetch_related("people"))
    for mail in mails:
        mail.title = mailing.subject(mail.report, mail.board).title or str(mail)
    context = {"boards": reporting.boards_for(user), "groups": reporting.reports_for(user), "mails": mails}
    return htmx.respond(request, "reports/shelf.html", context)


@allowed(WORKS)
@require_safe
def own(request: HttpRequest) -> HttpResponse:
    """Leads on to the dashboard of one's role, else to the first that one may see."""
    found = next(iter(reporting.boards_for(person(request))), None)
    return redirect("dashboard", found.key) if found else redirect("reports")


@allowed(WORKS)
@require_safe
def dashboard(request: HttpRequest, key: str) -> HttpResponse:
    """Several small reports, each loaded on its own; the period holds for all of them."""
    user, board = person(request), reporting.board(key)
    if board is None:
        raise Http404("There is no such dashboard.")
    shown = board.shown(user)
    if not shown:
        raise PermissionDenied(f"Your roles do not include what stands on the dashboard “{board.title}”.")
    asked = reporting.ask([reporting.PERIOD], user, request.GET)
    context = {
        "board": board, "reports": shown, "asked": asked, "boards": reporting.boards_for(user), "now": timezone.now(),
    }  # fmt: skip
    return htmx.respond(request, "reports/dashboard.html", context)


@allowed(WORKS)
@require_safe
def page(request: HttpRequest, key: str) -> HttpResponse:
    """One report: chips, chart, table with totals; `?export=csv` or `xlsx` as a file."""
    report = _report(request, key)
    table = reporting.made(report, reporting.ask(report.filters, person(request), request.GET))
    if form := request.GET.get("export"):
        return _file(table, form)
    context = {"table": table, "report": report, "asked": table.asked, "now": table.asked.now}
    return htmx.respond(request, "reports/report.html", context, part="shown")


@allowed(WORKS)
@require_safe
def tile(request: HttpRequest, key: str) -> HttpResponse:
    """The same small, for a dashboard."""
    report = _report(request, key)
    table = reporting.made(report, reporting.ask(report.filters, person(request), request.GET))
    return render(request, "reports/tile.html", {"table": table, "report": report, "asked": table.asked})


def _report(request: HttpRequest, key: str) -> reporting.Report:
    report = reporting.report(key)
    if report is None:
        raise Http404("There is no such report.")
    if not report.allowed(person(request)):
        raise PermissionDenied(f"Your roles do not include the report “{report.title}”.")
    return report


def _file(table: reporting.Table, form: str) -> HttpResponse:
    name = f"{table.report.key}-{table.asked.today}.{form}"
    if form == "csv":
        return htmx.download(csvfile.lines(table.file()), name)
    if form != "xlsx":
        raise BadRequest("A report is given as csv or xlsx.")
    content = io.BytesIO()
    listfile.write_workbook(table.file(), content)
    return htmx.download(content.getvalue(), name, listfile.TYPES["xlsx"])


@allowed(WORKS)
@require_http_methods(["GET", "HEAD", "POST"])
def mail_new(request: HttpRequest) -> HttpResponse:
    """Have a report or a dashboard sent by e-mail."""
    user, told = person(request), request.POST if request.method == "POST" else request.GET
    report, board = told.get("report", "")[:60], told.get("board", "")[:60]
    what = mailing.subject(report, board)
    if bool(what.report) == bool(what.board):
        raise Http404("There is no such report.")
    if not what.reports_for(user):
        raise PermissionDenied(f"Your roles do not include “{what.title}”.")
    hidden: dict[str, Any] = {"report": report, "board": board, "query": told.get("query", "")[:500]}
    form = ReportMailForm(request.POST or None, initial={"people": [user.pk], "rhythm": "weekly"})
    if request.method == "POST" and form.is_valid():
        try:
            made = mailing.set_up(by=user, **hidden, **form.cleaned_data)
        except Refusal as error:
            add_errors(form, error)
        else:
            first = timezone.localtime(made.next_at)
            day, hour = writing.kept(first, "j F"), f"{first:%H:%M %Z}"
            return htmx.go(request, made.url, toast=f"“{what.title}” goes out first on {day} at {hour}.")
    return _dialog(request, form, reverse("report_mail_new"), f"Send “{what.title}” by e-mail", hidden)


@allowed(WORKS)
@require_http_methods(["GET", "HEAD", "POST"])
def mail(request: HttpRequest, pk: int) -> HttpResponse:
    """Another rhythm or other readers; its owner ends it here too."""
    user, found = person(request), _mail(request, pk)
    if request.method == "POST" and "remove" in request.POST:
        mailing.stop(mail_id=pk, by=user)
        return htmx.go(request, "reports", toast="It is not sent any more.")
    form = ReportMailForm(
        request.POST or None, initial={"people": [one.pk for one in found.people.all()], "rhythm": found.rhythm}
    )
    if request.method == "POST" and form.is_valid():
        try:
            mailing.change(mail_id=pk, by=user, **form.cleaned_data)
        except Refusal as error:
            if error.status != 422:
                raise
            add_errors(form, error)
        else:
            return htmx.go(request, "reports", toast="It is changed.")
    title = mailing.subject(found.report, found.board).title
    return _dialog(request, form, reverse("report_mail", args=[pk]), f"“{title}” by e-mail", {}, "Stop sending it")


@allowed(WORKS)
@require_POST
def mail_stop(request: HttpRequest, pk: int) -> HttpResponse:
    """A reader gets it no more; its owner ends it for all."""
    _mail(request, pk)
    ended = mailing.stop(mail_id=pk, by=person(request))
    return htmx.go(request, "reports", toast="It is not sent any more." if ended else "You get it no more.")


def _mail(request: HttpRequest, pk: int) -> ReportMail:
    found: ReportMail = get_object_or_404(ReportMail.objects.visible_to(person(request)), pk=pk)
    return found


def _dialog(
    request: HttpRequest, form: Any, url: str, title: str, hidden: dict[str, Any], remove: str = ""
) -> HttpResponse:
    context = {"form": form, "url": url, "title": title, "word": "Send it", "hidden": hidden, "remove": remove}
    return render(request, "components/dialog_form.html", context, status=422 if form.errors else 200)

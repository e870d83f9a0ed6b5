"""A runbook: read beside the records it is for, written by those who have mended them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fallout import queries, routing, runbooks
from fallout.models import Fallout, Runbook
from kernel import htmx, tables, workspace
from kernel.refusal import Refusal

TEMPLATE = "fallout/runbook.html"


class RunbookTable(tables.Table):
    """Columns of the list of runbooks."""

    title = tables.Name(url="fallout:runbook", arg="key", sub="key")
    steps = tables.Number(accessor="step_count", orderable=False)
    updated_at = tables.When(verbose_name="Changed")


class Runbooks(tables.ListPage):
    """All runbooks."""

    title = "Runbooks"
    model = Runbook
    table = RunbookTable
    search = ("title", "key", "text")
    search_label = "Title or text"
    sort = "title"
    crumbs = (("Fallout", "fallout:fallout_list"),)
    lead = "what to do about a cause, step by step"
    new = tables.New("New runbook", "fallout:runbook_begin", runbooks.ADD)
    empty = tables.Empty(
        "book-2", "No runbook yet", "A runbook says what to do about a cause. Write one from a record on the desk.",
        "Open the desk", "fallout:fallout_list",
    )  # fmt: skip


@workspace.allowed("fallout.view_fallout", "fallout.view_runbook")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list of runbooks."""
    return tables.show(request, Runbooks)


@workspace.allowed("fallout.view_fallout", "fallout.view_runbook")
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, key: str) -> HttpResponse:
    """One runbook; posting changes it."""
    book = get_object_or_404(Runbook, key=key)
    if request.method != "POST":
        return htmx.respond(request, TEMPLATE, _context(request, book))
    sent = request.POST
    edition = sent.get("edition", "")
    try:
        runbooks.edit(
            runbook_id=book.pk, edition=int(edition) if edition.isdecimal() and len(edition) < 9 else 0,
            by=workspace.person(request), title=sent.get("title", ""), text=sent.get("text", ""),
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.status == 403:
            raise
        return _again(request, _context(request, book), refusal)
    return htmx.go(request, "fallout:runbook", book.key, toast="The runbook is saved.")


@workspace.allowed("fallout.view_fallout", runbooks.ADD)
@require_http_methods(["GET", "HEAD", "POST"])
def begin(request: HttpRequest) -> HttpResponse:
    """Write a runbook that routing rules name by its key."""
    context = {
        "title": "",
        "text": "",
        "key": "",
        "edition": 0,
        "editing": True,
        "beginning": True,
        "crumbs": _crumbs(),
    }
    if request.method != "POST":
        return htmx.respond(request, TEMPLATE, context)
    typed = {name: request.POST.get(name, "") for name in ("key", "title", "text")}
    try:
        made = runbooks.begin(**typed, by=workspace.person(request))
    except Refusal as refusal:
        if refusal.status == 403:
            raise
        return _again(request, context | {"key": typed["key"]}, refusal)
    return htmx.go(
        request, "fallout:runbook", made.key, toast=f"The runbook is written. Routing rules name it {made.key}."
    )


@workspace.allowed("fallout.view_fallout", runbooks.DELETE)
@require_POST
def discard(request: HttpRequest, key: str) -> HttpResponse:
    """Throw a runbook away."""
    title = runbooks.discard(runbook_id=get_object_or_404(Runbook, key=key).pk, by=workspace.person(request))
    return htmx.go(request, "fallout:runbook_list", toast=f"“{title}” is gone.")


@workspace.allowed("fallout.view_fallout", runbooks.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, number: str) -> HttpResponse:
    """Write the runbook of a record's cause."""
    user = workspace.person(request)
    record = get_object_or_404(Fallout.objects.visible_to(user).select_related("runbook"), number=number)
    context = {
        "record": record, "title": record.cause, "text": "", "edition": 0, "editing": True,
        "crumbs": _crumbs(),
    }  # fmt: skip
    if request.method != "POST":
        return htmx.respond(request, TEMPLATE, context)
    try:
        made = runbooks.write_for(
            fallout_id=record.pk, by=user, title=request.POST.get("title", ""), text=request.POST.get("text", "")
        )
    except Refusal as refusal:
        if refusal.status == 403:
            raise
        return _again(request, context, refusal)
    return htmx.go(request, "fallout:runbook", made.key, toast="The runbook is written.")


def _again(request: HttpRequest, context: dict[str, Any], refusal: Refusal) -> HttpResponse:
    """The form as it was typed, with what is wrong; over another's change it names what is stored."""
    typed = {name: request.POST.get(name, "") for name in ("title", "text")}
    more = {
        "problems": refusal.problems,
        "editing": True,
        "refusal": refusal,
        "edition": request.POST.get("edition", 0),
    }
    if hasattr(refusal, "edition"):
        more["edition"] = refusal.edition
    return htmx.respond(request, TEMPLATE, context | typed | more, status=refusal.status)


def _crumbs() -> list[tuple[str, str]]:
    return [("Fallout", reverse("fallout:fallout_list")), ("Runbooks", reverse("fallout:runbook_list"))]


def _context(request: HttpRequest, book: Runbook) -> dict[str, Any]:
    user = workspace.person(request)
    used = queries.standing(Fallout.objects.visible_to(user)).filter(runbook=book)
    return {
        "book": book, "title": book.title, "text": book.text, "edition": book.edition, "open": used.count(),
        "may_write": user.has_perm(runbooks.WRITE), "may_discard": user.has_perm(runbooks.DELETE),
        "named": runbooks.rules_naming(book.key), "routing": routing.TABLE, "editing": "edit" in request.GET,
        "crumbs": _crumbs(),
    }  # fmt: skip

"""Printing: the PDF of a quote, or how far a worker is with it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from contracts import documents, printruns
from contracts.models import Quote
from kernel import htmx, workspace

TEMPLATE = "contracts/printing.html"


@workspace.allowed("contracts.view_quote")
@require_safe
def quote_pdf(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """The offer as the customer gets it: the kept file once there is one, else as it would be now."""
    quote = _load(request, number, version)
    run = printruns.latest(quote)
    if run and run.document and run.kind == printruns.PREVIEW:
        with run.document.file.open("rb") as file:
            content = file.read()
    elif documents.kept(quote) or not documents.is_long(quote):
        content = documents.quote_file(quote)
    else:
        return redirect("contracts:quote_printing", number, version)
    name = f"{quote.number}-v{quote.version}.pdf"
    return HttpResponse(
        content, content_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'}
    )


@workspace.allowed("contracts.view_quote")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def progress(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """How far the PDF of a long quote is; a POST has it made."""
    quote = _load(request, number, version)
    if request.method == "POST":
        if not documents.kept(quote):
            printruns.ask(quote, by=workspace.person(request))
        return htmx.go(request, "contracts:quote_printing", number, version)
    kept = documents.kept(quote)
    run = printruns.latest(quote)
    document = kept or (run and run.document)
    context = {
        "quote": quote, "run": None if document else run, "ready": document is not None, "document": document,
        "count": quote.lines.count(),
    }  # fmt: skip
    return htmx.respond(request, TEMPLATE, context, part="state")


def _load(request: HttpRequest, number: str, version: int) -> Quote:
    rows = Quote.objects.visible_to(workspace.person(request)).select_related("account", "agreement", "owner")
    quote: Quote = get_object_or_404(rows, number=number, version=version)
    return quote

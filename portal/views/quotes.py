"""The customer's quotes: all of them, and one with its prices, sites, documents and what was said about it."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from contracts import quotecontent, requesting
from contracts.models import Quote
from kernel import commenting, htmx, workspace
from kernel import documents as files
from kernel.refusal import Refusal
from portal import belongings, needs, talking, tracking
from portal.views import customers_only

SHOWN = 50
SITES = 20  # on one page
PAGE = "portal:quote_list"


@customers_only
@require_safe
def every(request: HttpRequest) -> HttpResponse:
    """Quotes: those that wait for a signature, and those of the past."""
    user = workspace.person(request)
    rows = Paginator(belongings.quotes(user), SHOWN).get_page(request.GET.get("page"))
    waiting = {one.request.subject_id: one for one in needs.signatures(user) if one.request.subject_type == needs.QUOTE}
    for row in rows:
        row.signature = waiting.get(row.pk)
    context = {"quotes": rows, "asked": requesting.handed(user)}
    return htmx.respond(request, "portal/quotes.html", context)


@customers_only
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """One version of a quote; a POST writes to us about it."""
    user = workspace.person(request)
    quote = get_object_or_404(belongings.readable_quotes(user), number=number, version=version)
    typed, problem = request.POST.get("text", ""), ""
    if request.method == "POST":
        try:
            talking.say(quote=quote, text=typed, by=user)
        except Refusal as error:
            if error.status != 422:
                raise
            problem = str(error)
        else:
            if not getattr(request, "htmx", False):
                return htmx.go(request, f"{talking.url_of(quote)}#talk", toast=_("Your message is sent."))
            typed = ""
    context: dict[str, Any] = {
        "crumbs": [(_("Quotes"), reverse(PAGE)), (number, "")], "quote": quote,
        "talk": talking.said(quote, user), "typed": typed, "problem": problem, "longest": commenting.LONGEST,
        "contact": quote.owner or quote.account.owner,
    }  # fmt: skip
    if not getattr(request, "htmx", False):
        context |= _whole(request, quote)
    return htmx.respond(request, "portal/quote.html", context, part="talk", status=422 if problem else 200)


def _whole(request: HttpRequest, quote: Quote) -> dict[str, Any]:
    """What the page says beside the talk; prices only of what was given to the customer."""
    user = workspace.person(request)
    versions = belongings.readable_quotes(user).filter(number=quote.number).exclude(pk=quote.pk)
    content = quotecontent.content(quote)
    return {
        "given": belongings.is_given(quote),
        "content": content,
        "sites": Paginator(content.blocks, SITES).get_page(request.GET.get("page")),
        "signature": next((one for one in needs.signatures(user) if one.request.subject_id == quote.pk
                           and one.request.subject_type == needs.QUOTE), None),
        "documents": files.of(quote).filter(customer_may_see=True),
        "versions": list(versions.order_by("-version")),
        "order": tracking.orders_of(user).filter(quote=quote).first(),
    }  # fmt: skip

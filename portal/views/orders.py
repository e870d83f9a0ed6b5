"""Following orders: the overview, the list, one order live."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from kernel import csvfile, htmx, workspace
from portal import belongings, changes, needs, tracking
from portal.views import customers_only

SHOWN = 100
PAGE = 50
FEED = 8


@customers_only
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What we need from the customer, their orders, what they have."""
    user = workspace.person(request)
    running = tracking.orders_of(user).exclude(state__in=tracking.ENDED)
    followed = tracking.follow(list(running[:SHOWN]))
    services = belongings.services(user)
    context = {
        "followed": followed,
        "signed": tracking.signed(user),
        "signatures": needs.signatures(user),
        "visits": needs.visits(followed),
        "active": services.filter(state="active").count(),
        "coming": services.exclude(state="active").count(),
        "documents": belongings.documents(user)[:4],
    }
    return htmx.respond(request, "portal/home.html", context)


@customers_only
@require_safe
def every(request: HttpRequest) -> HttpResponse:
    """All orders, also of the past."""
    user = workspace.person(request)
    pages = Paginator(tracking.open_first(user), PAGE).get_page(request.GET.get("page"))
    followed = tracking.follow(list(pages))
    context = {
        "pages": pages,
        "signed": tracking.signed(user) if pages.number == 1 else [],
        "open": [one for one in followed if not one.ended],
        "ended": [one for one in followed if one.ended],
    }
    return htmx.respond(request, "portal/orders.html", context)


def _followed(request: HttpRequest, number: str) -> tracking.Progress:
    order = get_object_or_404(tracking.orders_of(workspace.person(request)), number=number)
    return tracking.follow([order])[0]


@customers_only
@require_safe
def order(request: HttpRequest, number: str) -> HttpResponse:
    """One order: promise, needs, stages, changes. A poll gets an answer only when something has changed."""
    progress = _followed(request, number)
    if request.GET.get("seen") == progress.digest:
        return HttpResponse(status=204)
    user = workspace.person(request)
    everything = "all" in request.GET
    feed = changes.feed(progress)
    context: dict[str, Any] = {
        "crumbs": [("Orders", reverse("portal:order_list")), (number, "")],
        "progress": progress,
        "order": progress.order,
        "signatures": needs.signatures(user) if not progress.ended else [],
        "visits": needs.visits([progress]),
        "feed": feed if everything else feed[:FEED],
        "feed_total": len(feed),
        "contact": progress.order.manager or progress.order.account.owner,
    }
    return htmx.respond(request, "portal/order.html", context, part="live")


@customers_only
@require_safe
def table(request: HttpRequest, number: str) -> HttpResponse:
    """The sites of an order as a file for a spreadsheet."""
    progress = _followed(request, number)
    rows = [["Site", "Address", "Stage", "Promised", "Works"]] + [
        [one.site.name, one.site.address, str(one.says), one.promised_on or "", "yes" if one.works else "no"]
        for one in progress.sites
    ]
    return htmx.download("".join(csvfile.lines(rows)), f"{progress.order.number}-sites.csv")

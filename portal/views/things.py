"""What a customer has: services and documents; and the way to sign."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from cmdb import characteristics
from contracts.models import SignatureRequest
from crm.models import Account
from kernel import documents as files
from kernel import htmx, workspace
from portal import belongings, signing
from portal.views import customers_only

SHOWN = 50
PLACES = 40  # sites with their services on one page


@customers_only
@require_safe
def services(request: HttpRequest) -> HttpResponse:
    """Services by site, with their levels."""
    user = workspace.person(request)
    everything = belongings.services(user)
    pages = Paginator(belongings.places(everything), PLACES).get_page(request.GET.get("page"))
    rows = list(belongings.at(everything, list(pages)))
    levels = belongings.levels(user, [row.site_id for row in rows if row.site_id])
    sites: dict[object, list[object]] = {}
    for row in rows:
        sites.setdefault(row.site, []).append(row)
    groups = [
        {"site": site, "products": members, "levels": levels.get(getattr(site, "pk", 0), [])}
        for site, members in sites.items()
    ]
    context = {"groups": groups, "count": everything.count(), "pages": pages}
    return htmx.respond(request, "portal/services.html", context)


@customers_only
@require_safe
def service(request: HttpRequest, number: str) -> HttpResponse:
    """One service: what was agreed, since when, with which levels and papers."""
    user = workspace.person(request)
    rows = belongings.services(user).select_related("specification").prefetch_related("specification__characteristics")
    product = get_object_or_404(rows, number=number)
    contract = belongings.contract_of(user, product)
    levels = belongings.levels(user, [product.site_id] if product.site_id else [])
    context = {
        "crumbs": [("Services", reverse("portal:service_list")), (number, "")],
        "product": product,
        "values": characteristics.told(product, customer=True),
        "contract": contract,
        "levels": levels.get(product.site_id, []),
        "end": belongings.end_of(contract, product) if contract else None,
        "papers": files.of(contract).filter(customer_may_see=True) if contract else [],
    }
    return htmx.respond(request, "portal/service.html", context)


@customers_only
@require_safe
def documents(request: HttpRequest) -> HttpResponse:
    """Everything on paper."""
    found = belongings.documents(workspace.person(request))
    rows = Paginator(found, SHOWN).get_page(request.GET.get("page"))
    context = {"documents": rows, "papers": belongings.titled(rows)}
    return htmx.respond(request, "portal/documents.html", context)


@customers_only
@require_POST
def sign(request: HttpRequest, pk: int) -> HttpResponse:
    """Go to the page where a document is read and signed."""
    user = workspace.person(request)
    seen = SignatureRequest.objects.filter(account__in=Account.objects.visible_to(user).values("pk"))
    made = get_object_or_404(seen, pk=pk)
    token = signing.fresh_link(request_id=made.pk, by=user)
    return HttpResponseRedirect(reverse("contracts:sign", args=[token]))

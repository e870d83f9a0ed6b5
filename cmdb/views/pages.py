"""Pages of one product, one service, one resource."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

from cmdb import characteristics, impact, queries
from cmdb.models import Product, Resource, Service
from kernel import htmx, workspace


def _record(request: HttpRequest, model: Any, number: str, *near: str) -> Any:
    rows = model.objects.visible_to(workspace.person(request)).select_related("account", "site", "specification", *near)
    return get_object_or_404(rows.prefetch_related("specification__characteristics"), number=number)


def _url(name: str, number: str) -> str:
    """An address of an app above this one; empty where it is not installed."""
    try:
        return reverse(name, args=[number]) if number else ""
    except NoReverseMatch:
        return ""


def _context(record: Any, list_label: str, list_name: str) -> dict[str, Any]:
    return {
        "record": record,
        "title": record.name,
        "crumbs": [("Inventory", reverse("cmdb:product_list")), (list_label, reverse(list_name))],
        "values": characteristics.told(record),
        "order_url": _url("orders:order", record.order_number),
    }


@workspace.allowed("cmdb.view_product")
@require_safe
def product(request: HttpRequest, number: str) -> HttpResponse:
    """What the customer has, and everything under it."""
    record: Product = _record(request, Product, number, "offering", "bundle")
    context = _context(record, "Products", "cmdb:product_list")
    context |= {
        "trace": impact.trace(record),
        "orders_url": _url("orders:of_product", record.number)
        if workspace.person(request).has_perm("orders.view_order")
        else "",
        "members": list(record.members.order_by("pk")) if not record.bundle_id else [],
    }
    return htmx.respond(request, "cmdb/product.html", context)


@workspace.allowed("cmdb.view_service")
@require_safe
def service(request: HttpRequest, number: str) -> HttpResponse:
    """One service between a product and the network."""
    record: Service = _record(request, Service, number)
    uses = list(record.uses.select_related("resource__specification", "resource__parent").order_by("pk"))
    context = _context(record, "Services", "cmdb:service_list")
    context |= {
        "products": list(record.products.order_by("pk")),
        "above": queries.above(record),
        "below": queries.below(record),
        "uses": uses,
    }
    return htmx.respond(request, "cmdb/service.html", context)


@workspace.allowed("cmdb.view_resource")
@require_safe
def resource(request: HttpRequest, number: str) -> HttpResponse:
    """One device, port or number, and who is affected when it fails."""
    record: Resource = _record(request, Resource, number, "parent")
    context = _context(record, "Resources", "cmdb:resource_list") | {"impact": impact.impact(record)}
    return htmx.respond(request, "cmdb/resource.html", context)

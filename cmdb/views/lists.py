"""Lists of the inventory: products, services, resources, and what one customer has."""

from typing import Any, ClassVar

import django_filters
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from cmdb import queries
from cmdb.models import Product, Resource, Service
from crm.models import Account
from kernel import tables, workspace

SHOWN = 12
KINDS = (("products", "Products", "cmdb.view_product"), ("services", "Services", "cmdb.view_service"),
         ("resources", "Resources", "cmdb.view_resource"))  # fmt: skip


class ProductTable(tables.Table):
    """Columns of products."""

    name = tables.Name(url="cmdb:product", arg="number", sub="number")
    account = tables.Text(sub="site.name", verbose_name="Customer and site", order_by="account__name")
    state = tables.Pill(loud=lambda row: row.state == "suspended")
    order_number = tables.Text(verbose_name="Order", optional=True)
    monthly = tables.Money(optional=True)
    started_at = tables.Day(verbose_name="Since", optional=True)


class ServiceTable(tables.Table):
    """Columns of services."""

    name = tables.Name(url="cmdb:service", arg="number", sub="number")
    account = tables.Text(sub="site.name", verbose_name="Customer and site", order_by="account__name")
    kind = tables.Text(accessor="specification__get_kind_display", order_by="specification__kind", optional=True)
    state = tables.State()
    started_at = tables.Day(verbose_name="Since", optional=True)


class ResourceTable(tables.Table):
    """Columns of resources."""

    name = tables.Name(url="cmdb:resource", arg="number", sub="number")
    specification = tables.Text(
        accessor="specification__name", verbose_name="What it is", order_by="specification__name"
    )
    account = tables.Text(sub="site.name", verbose_name="Customer and site", order_by="account__name", optional=True)
    parent = tables.Text(accessor="parent__name", verbose_name="Device", orderable=False, optional=True)
    state = tables.State()


class _Filter(tables.Filters):
    country = django_filters.CharFilter(field_name="site__country", lookup_expr="iexact", label="Country")


class ProductFilter(_Filter):
    """Filters of products."""

    state = tables.States(Product)

    class Meta:
        model = Product
        fields: ClassVar[list[str]] = ["state"]


class ServiceFilter(_Filter):
    """Filters of services."""

    state = tables.States(Service)
    kind = tables.Choices(
        field_name="specification__kind", choices=[("cfs", "Customer-facing"), ("rfs", "Resource-facing")]
    )

    class Meta:
        model = Service
        fields: ClassVar[list[str]] = ["state"]


class ResourceFilter(_Filter):
    """Filters of resources."""

    state = tables.States(Resource)

    class Meta:
        model = Resource
        fields: ClassVar[list[str]] = ["state"]


class Products(tables.ListPage):
    """What customers have."""

    title = "Inventory"
    model = Product
    table = ProductTable
    filters = ProductFilter
    search = ("number", "name", "account__name", "site__name", "order_number")
    sort = "-started_at"
    related = ("account", "site")
    empty = tables.Empty("router", "No products yet", "A product appears here as soon as its order is approved.")


class Services(tables.ListPage):
    """What products stand on."""

    title = "Inventory"
    model = Service
    table = ServiceTable
    filters = ServiceFilter
    search = ("number", "name", "account__name", "site__name", "order_number", "domain_order")
    sort = "-started_at"
    related = ("account", "site", "specification")
    empty = tables.Empty("topology-star-3", "No services yet", "Services appear as orders are delivered.")


class Resources(tables.ListPage):
    """Ports, devices, numbers."""

    title = "Inventory"
    model = Resource
    table = ResourceTable
    filters = ResourceFilter
    search = ("number", "name", "account__name", "site__name", "characteristics")
    search_label = "Number, name or serial number"
    sort = "name"
    related = ("account", "site", "specification", "parent")
    empty = tables.Empty("server-2", "No resources yet", "Devices, ports and numbers appear as orders are delivered.")


def _show(request: HttpRequest, declared: type[tables.ListPage], here: str) -> HttpResponse:
    user = workspace.person(request)
    found = queries.counts(user)
    urls = {"products": "cmdb:product_list", "services": "cmdb:service_list", "resources": "cmdb:resource_list"}
    tabs = [
        {"label": label, "url": reverse(urls[key]), "count": f"{found[key]:,}", "here": key == here}
        for key, label, permission in KINDS
        if user.has_perm(permission)
    ]
    return tables.show(request, declared, "cmdb/list.html", {"tabs": tabs})


@workspace.allowed("cmdb.view_product")
@require_safe
def products(request: HttpRequest) -> HttpResponse:
    """Products of all customers."""
    return _show(request, Products, "products")


@workspace.allowed("cmdb.view_service")
@require_safe
def services(request: HttpRequest) -> HttpResponse:
    """Services of all customers."""
    return _show(request, Services, "services")


@workspace.allowed("cmdb.view_resource")
@require_safe
def resources(request: HttpRequest) -> HttpResponse:
    """Resources, ours and at customers."""
    return _show(request, Resources, "resources")


@workspace.allowed("cmdb.view_product")
@require_safe
def of_account(request: HttpRequest, pk: int) -> HttpResponse:
    """A customer's products, for a panel of their page."""
    user = workspace.person(request)
    account: Account = get_object_or_404(Account.objects.visible_to(user), pk=pk)
    rows: Any = queries.products_of(account, user)
    context = {
        "account": account,
        "products": rows[:SHOWN],
        "figures": queries.product_figures(account, user),
        "total": rows.count(),
    }
    return render(request, "cmdb/of_account.html", context)

"""Who sees the inventory, where it stands in the frame, how it is found."""

from collections.abc import Iterable

from django.db.models import Q
from django.urls import reverse

from cmdb import choosing, pointing, rulecases  # noqa: F401 – two register themselves
from cmdb.models import Product, Resource, Service
from kernel import finding, frame, roles, tableuse
from kernel.models import User

SEES = ("cmdb.view_product", "cmdb.view_service", "cmdb.view_resource", "cmdb.view_feasibilitycheck")

for _role in roles.ROLES:
    if _role != "customer":
        roles.grant(_role, *SEES, "cmdb.view_pointofpresence")
        roles.grant(_role, "cmdb.view_qualification")
for _role in ("customer", "sales_agent", "sales_manager", "order_agent", "order_manager", "service_agent"):
    roles.grant(_role, "cmdb.add_qualification")
roles.grant("process_admin", "cmdb.add_pointofpresence", "cmdb.change_pointofpresence", "cmdb.delete_pointofpresence")

frame.add(frame.NavItem("Run", "Inventory", "router", "cmdb:product_list", "cmdb.view_product", 40))


def _where(record: Product | Service | Resource) -> str:
    names = [record.account.name if record.account else "", record.site.name if record.site else ""]
    return ", ".join(filter(None, names))


def _products(user: User, text: str, limit: int) -> Iterable[finding.Found]:
    rows = Product.objects.visible_to(user).filter(
        Q(number__iexact=text) | Q(name__icontains=text) | Q(site__name__icontains=text)
    )
    for row in rows.select_related("account", "site").order_by("-pk")[:limit]:
        yield finding.Found(row.name, reverse("cmdb:product", args=[row.number]), _where(row), row.number, "package")


def _services(user: User, text: str, limit: int) -> Iterable[finding.Found]:
    rows = Service.objects.visible_to(user).filter(Q(number__iexact=text) | Q(name__icontains=text))
    for row in rows.select_related("account", "site").order_by("-pk")[:limit]:
        yield finding.Found(
            row.name, reverse("cmdb:service", args=[row.number]), _where(row), row.number, "topology-star-3"
        )


def _resources(user: User, text: str, limit: int) -> Iterable[finding.Found]:
    rows = Resource.objects.visible_to(user).filter(
        Q(number__iexact=text) | Q(name__icontains=text) | Q(characteristics__icontains=text)
    )
    for row in rows.select_related("account", "site").order_by("-pk")[:limit]:
        yield finding.Found(row.name, reverse("cmdb:resource", args=[row.number]), _where(row), row.number, "server-2")


finding.register("Products", "package", "cmdb.view_product", _products, order=70)
finding.register("Services", "topology-star-3", "cmdb.view_service", _services, order=71)
finding.register("Resources", "server-2", "cmdb.view_resource", _resources, order=72)
tableuse.add(*rulecases.USES)

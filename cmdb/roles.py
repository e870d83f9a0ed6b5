"""Who sees the inventory, where it stands in the frame, how it is found."""

from collections.abc import Callable, Iterable
from typing import Any

from django.urls import reverse

from cmdb import choosing, pointing, rulecases  # noqa: F401 – two register themselves
from cmdb.models import Product, Resource, Service
from cmdb.models.inventory import DESCRIBED, NAMED
from crm.finding import at_places
from kernel import finding, frame, roles, tableuse, words
from kernel.models import User

ICONS = {"product": "package", "service": "topology-star-3", "resource": "server-2"}
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


def _products(rows: Any, sought: finding.Sought) -> Iterable[Any]:
    """By number, name or where they stand."""
    yield rows.filter(words.match(sought.text, *NAMED))
    yield from at_places(rows, sought)


def _tell(record: Product | Service | Resource) -> finding.Found:
    kind = str(record._meta.model_name)
    url = reverse(f"cmdb:{kind}", args=[record.number])
    return finding.Found(record.name, url, _where(record), record.number, ICONS[kind])


def _rows(model: Any) -> Callable[[User], Any]:
    return lambda user: model.objects.visible_to(user).select_related("account", "site").order_by("-pk")


finding.register(
    "Products", ICONS["product"], "cmdb.view_product", order=70, rows=_rows(Product), ways=_products, tell=_tell
)
finding.register(
    "Services", ICONS["service"], "cmdb.view_service", order=71, rows=_rows(Service), tell=_tell,
    ways=lambda rows, sought: [rows.filter(words.match(sought.text, *NAMED))],
)  # fmt: skip
finding.register(
    "Resources", ICONS["resource"], "cmdb.view_resource", order=72, rows=_rows(Resource), tell=_tell,
    ways=lambda rows, sought: [rows.filter(words.match(sought.text, *DESCRIBED))],
)  # fmt: skip
tableuse.add(*rulecases.USES)

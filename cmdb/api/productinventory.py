"""TMF637 product inventory: what customers have, or will have."""

from typing import Any

from django.db.models import Q

from cmdb.models import Product
from kernel.models import User
from kernel.rest import filters, notices
from kernel.rest.filters import CHOICE, MOMENT, NUMBER, Filter
from kernel.rest.rendering import Json, Rendering, characteristics, moment, price
from kernel.rest.resource import Api, Resource

STATES = {
    "created": "created", "pending_active": "pendingActive", "active": "active", "suspended": "suspended",
    "pending_terminate": "pendingTerminate", "terminated": "terminated", "cancelled": "cancelled", "aborted": "aborted",
}  # fmt: skip
BY_ORDERS = {
    "POST": "a product comes to be by an order (TMF622).", "PATCH": "a product is changed by an order (TMF622).",
    "DELETE": "a product is ended by an order (TMF622), and kept on record.",
}  # fmt: skip


def _rows(user: User) -> Any:
    return Product.objects.visible_to(user)


def place(site: Any) -> list[Json]:
    """Where something is installed."""
    if site is None:
        return []
    return [{"id": str(site.pk), "name": f"{site.name}, {site.city}", "role": "installationSite",
             "@referredType": "GeographicSite"}]  # fmt: skip


def ready(rows: Any, page: Rendering) -> Any:
    """Products with what the wanted attributes read."""
    rows = page.joined(
        rows, relatedParty=("account",), place=("site",), productOffering=("offering",),
        productSpecification=("specification",), productRelationship=("bundle",),
    )  # fmt: skip
    return rows.prefetch_related("services") if page.wants("realizingService") else rows


def _prices(row: Product) -> list[Json]:
    found: list[Json] = []
    if row.monthly:
        found.append({"name": "Monthly", "priceType": "recurring", "recurringChargePeriod": "month",
                      "price": price(row.monthly, row.currency)})  # fmt: skip
    if row.one_time:
        found.append({"name": "One-time", "priceType": "oneTime", "price": price(row.one_time, row.currency)})
    return found


def product(row: Product, page: Rendering) -> Json:
    """One product."""
    found: Json = {
        "name": row.name, "status": STATES[row.state], "isBundle": False, "isCustomerVisible": True,
        "orderDate": moment(row.created_at), "startDate": moment(row.started_at),
        "terminationDate": moment(row.ended_at), "place": lambda: place(row.site),
        "productCharacteristic": lambda: characteristics(row.characteristics), "productPrice": lambda: _prices(row),
        "productOffering": lambda: page.ref("productOffering", row.offering.key, row.offering.name),
        "productSpecification": lambda: page.ref(
            "productSpecification", row.specification.key, row.specification.name,
            version=str(row.specification.version),
        ),
        "productTerm": [{"name": "Term", "duration": {"amount": row.term_months, "units": "month"}}],
        "relatedParty": lambda: [page.ref("customer", row.account.number, row.account.name, role="customer")],
        "productRelationship": lambda: _bundle(row, page),
    }  # fmt: skip
    if row.order_number:
        found["productOrderItem"] = [{
            "productOrderId": row.order_number, "productOrderHref": page.href("productOrder", row.order_number),
            "orderItemId": row.order_line_key or row.order_number, "orderItemAction": "add",
        }]  # fmt: skip
    if page.wants("realizingService"):
        found["realizingService"] = [page.ref("service", one.number, one.name) for one in row.services.all()]
    return found


def _bundle(row: Product, page: Rendering) -> list[Json]:
    if row.bundle is None:
        return []
    inner = {"id": row.bundle.number, "href": page.href("product", row.bundle.number), "name": row.bundle.name}
    return [{"relationshipType": "isPartOf", "product": inner}]


def by_characteristic(name: str, values: list[str]) -> Q:
    """Rows with a characteristic of that name, or with a value that reads so."""
    found = Q()
    for value in values:
        lookup = "characteristics__has_key" if name.endswith(".name") else "characteristics__values_of"
        found |= Q(**{lookup: value})
    return found


FILTERS = {
    "name": Filter("name"), "status": Filter("state", CHOICE, filters.words(STATES)),
    "startDate": Filter("started_at", MOMENT), "terminationDate": Filter("ended_at", MOMENT),
    "orderDate": Filter("created_at", MOMENT), "productOffering.id": Filter("offering__key"),
    "productOffering.name": Filter("offering__name"), "productSpecification.id": Filter("specification__key"),
    "productSpecification.name": Filter("specification__name"), "relatedParty.id": Filter("account__number"),
    "relatedParty.name": Filter("account__name"), "place.id": Filter("site", NUMBER),
    "place.name": Filter("site__name"), "productOrderItem.productOrderId": Filter("order_number"),
    "productPrice.price.dutyFreeAmount.value": Filter("monthly", NUMBER),
    "realizingService.id": Filter("services__number", many=True),
    "productCharacteristic.name": Filter(build=by_characteristic),
    "productCharacteristic.value": Filter(build=by_characteristic),
}  # fmt: skip
PRODUCT = Resource(
    name="product", type="Product", rows=_rows, render=product, ready=ready, filters=FILTERS, refused=BY_ORDERS
)
API = Api("tmf637", "Product inventory", "productInventory", (PRODUCT,))
notices.announce(
    Product._meta.label_lower,
    notices.Announced("tmf637", "product", states=STATES, attribute="status", born=frozenset({"reserved"})),
)

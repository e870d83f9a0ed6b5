"""TMF620 product catalogue: what is sold now, what it is, what it costs by the list; never what it costs us."""

from typing import Any

from django.db.models import Prefetch

from catalog import shelving
from catalog.models import BundleItem, Category, Characteristic, Charge, Offering, PriceEntry, Specification
from kernel.models import User
from kernel.rest import filters, notices
from kernel.rest.filters import CHOICE, FLAG, MOMENT, NUMBER, Filter
from kernel.rest.rendering import Json, Rendering, moment, money
from kernel.rest.resource import Api, Resource

PRICE_TYPES = {"one_time": "oneTime", "recurring": "recurring", "usage": "usage"}
TYPES = {"choice": "string", "number": "number", "text": "string", "boolean": "boolean", "date": "date",
         "reference": "string"}  # fmt: skip
STATUS = {"active": "Active"}
KEPT_HERE = dict.fromkeys(
    ("POST", "PATCH", "DELETE"),
    "the catalogue is changed by versions on its own pages, and by files of `manage.py catalogue`.",
)
NAMED = {
    "name": Filter("name"), "description": Filter("description"), "version": Filter("version", NUMBER),
    "lastUpdate": Filter("updated_at", MOMENT), "lifecycleStatus": Filter("state", CHOICE, filters.words(STATUS)),
}  # fmt: skip


def _is_customer(user: User) -> bool:
    return "customer" in user.roles


def _offerings(user: User) -> Any:
    rows = Offering.objects.on_sale().filter(sellable=True) if _is_customer(user) else Offering.objects.visible_to(user)
    return shelving.narrowed(rows.filter(state="active"), user)


def _specifications(user: User) -> Any:
    rows = Specification.objects.filter(state="active", kind=Specification.Kind.PRODUCT)
    if _is_customer(user):
        return rows.filter(pk__in=_offerings(user).values("specification"))
    return rows if user.has_perm("catalog.view_specification") else rows.none()


def _prices(user: User) -> Any:
    return PriceEntry.objects.filter(is_cost=False, offering__in=_offerings(user).values("pk"))


def _categories(user: User) -> Any:
    return (
        Category.objects.all()
        if _is_customer(user) or user.has_perm("catalog.view_offering")
        else Category.objects.none()
    )


def _valid(row: Any) -> Json | None:
    found = {"startDateTime": moment(row.valid_from), "endDateTime": moment(row.valid_until)}
    return {name: value for name, value in found.items() if value} or None


def _versioned(row: Any) -> Json:
    return {
        "name": row.name, "description": row.description or None, "version": str(row.version),
        "lifecycleStatus": STATUS.get(row.state, row.state), "lastUpdate": moment(row.updated_at),
    }  # fmt: skip


def _ready_offering(rows: Any, page: Rendering) -> Any:
    rows = rows.select_related("category", "specification")
    if page.wants("bundledProductOffering"):
        members = BundleItem.objects.select_related("member").order_by("position", "id")
        rows = rows.prefetch_related(Prefetch("items", members))
    if page.wants("productOfferingPrice"):
        prices = PriceEntry.objects.filter(is_cost=False).order_by("id")
        rows = rows.prefetch_related(Prefetch("prices", prices, to_attr="listed"))
    return rows


def offering(row: Offering, page: Rendering) -> Json:
    """One offering."""
    found = _versioned(row) | {
        "isBundle": row.kind == Offering.Kind.BUNDLE, "isSellable": row.sellable, "validFor": _valid(row),
        "category": [page.ref("category", row.category.key, row.category.name)],
    }  # fmt: skip
    if row.specification is not None:
        found["productSpecification"] = page.ref(
            "productSpecification", row.specification.key, row.specification.name,
            version=str(row.specification.version),
        )  # fmt: skip
    if page.wants("bundledProductOffering"):
        found["bundledProductOffering"] = [_member(item, page) for item in row.items.all()]
    if page.wants("productOfferingPrice"):
        listed: list[PriceEntry] = row.listed  # type: ignore[attr-defined]
        found["productOfferingPrice"] = [page.ref("productOfferingPrice", one.pk, one.label) for one in listed]
    return found


def _member(item: BundleItem, page: Rendering) -> Json:
    return {
        "id": item.member.key, "href": page.href("productOffering", item.member.key), "name": item.member.name,
        "lifecycleStatus": STATUS.get(item.member.state, item.member.state),
        "bundledProductOfferingOption": {
            "numberRelOfferLowerLimit": item.minimum, "numberRelOfferUpperLimit": item.maximum,
            "numberRelOfferDefault": item.default,
        },
    }  # fmt: skip


def specification(row: Specification, page: Rendering) -> Json:
    """One product specification with what can be configured of it."""
    found = _versioned(row) | {"isBundle": False, "validFor": _valid(row)}
    if page.wants("productSpecCharacteristic"):
        rows = row.characteristics.all()
        found["productSpecCharacteristic"] = [_characteristic(one) for one in rows]
    return found


def _characteristic(row: Characteristic) -> Json:
    values: list[Json] = [
        {"value": value, "isDefault": value == row.default, "valueType": TYPES[row.type]}
        for value in (choice.get("value") if isinstance(choice, dict) else choice for choice in row.choices)
    ]
    if row.type == Characteristic.Type.NUMBER:
        one: Json = {"valueType": "number", "isDefault": row.default is not None, "value": row.default}
        for name, edge in (("valueFrom", row.minimum), ("valueTo", row.maximum)):
            if edge is not None:
                one[name] = int(edge)
        values = [{k: v for k, v in (one | {"unitOfMeasure": row.unit or None}).items() if v is not None}]
    found: Json = {
        "id": row.key, "name": row.key, "description": row.name, "valueType": TYPES[row.type],
        "configurable": row.source == Characteristic.Source.CUSTOMER, "minCardinality": int(row.required),
        "maxCardinality": max(1, len(row.choices)) if row.multiple else 1, "productSpecCharacteristicValue": values,
    }  # fmt: skip
    return found | ({"regex": row.pattern} if row.pattern else {})


def price(row: PriceEntry, page: Rendering) -> Json:
    """One list price."""
    found: Json = {
        "name": row.label, "priceType": PRICE_TYPES[row.charge], "lifecycleStatus": "Active",
        "price": money(row.amount, row.price_list.currency),
        "description": f"{row.offering.name}, {row.price_list.name}", "isBundle": False,
        "validFor": _valid(row.price_list),
    }  # fmt: skip
    if row.charge == Charge.RECURRING:
        found |= {"recurringChargePeriodType": "month", "recurringChargePeriodLength": row.period}
    if row.unit or row.per:
        found["unitOfMeasure"] = {"amount": 1, "units": row.unit or row.per}
    if row.when:
        found["prodSpecCharValueUse"] = [
            {"name": name, "productSpecCharacteristicValue": [{"value": value}]} for name, value in row.when.items()
        ]
    return found


def category(row: Category, page: Rendering) -> Json:
    """One shelf."""
    found: Json = {
        "name": row.name, "isRoot": row.parent_id is None, "lifecycleStatus": "Active",
        "parentId": row.parent.key if row.parent else None,
        "subCategory": [page.ref("category", one.key, one.name) for one in row.children.all()],
    }  # fmt: skip
    return found


OFFERING = Resource(
    name="productOffering", type="ProductOffering", rows=_offerings, render=offering, ready=_ready_offering, key="key",
    refused=KEPT_HERE, filters=NAMED | {
        "isBundle": Filter("kind", CHOICE, {"true": ("bundle",), "false": ("product", "entitlement", "service")}),
        "isSellable": Filter("sellable", FLAG), "category.id": Filter("category__key"),
        "category.name": Filter("category__name"), "productSpecification.id": Filter("specification__key"),
        "productSpecification.name": Filter("specification__name"),
    },
)  # fmt: skip
SPECIFICATION = Resource(
    name="productSpecification", type="ProductSpecification", rows=_specifications, render=specification, key="key",
    ready=lambda rows, page: rows.prefetch_related("characteristics"), refused=KEPT_HERE, filters=NAMED | {
        "productSpecCharacteristic.name": Filter("characteristics__key", many=True),
        "productSpecCharacteristic.description": Filter("characteristics__name", many=True),
    },
)  # fmt: skip
PRICE = Resource(
    name="productOfferingPrice", type="ProductOfferingPrice", rows=_prices, render=price, key="pk", read_key=int,
    ready=lambda rows, page: rows.select_related("price_list", "offering"), refused=KEPT_HERE, filters={
        "name": Filter("label"), "priceType": Filter("charge", CHOICE, filters.words(PRICE_TYPES)),
        "price.unit": Filter("price_list__currency"), "price.value": Filter("amount", NUMBER),
    },
)  # fmt: skip
CATEGORY = Resource(
    name="category", type="Category", rows=_categories, render=category, key="key", refused=KEPT_HERE,
    ready=lambda rows, page: rows.select_related("parent").prefetch_related("children"),
    filters={"name": Filter("name"), "parentId": Filter("parent__key")},
)  # fmt: skip
API = Api(
    "tmf620", "Product catalogue", "productCatalogManagement", (CATEGORY, OFFERING, PRICE, SPECIFICATION),
    absent={
        "catalog": "there is one catalogue; ask for its offerings.",
        "importJob": "the catalogue is imported by `manage.py catalogue`, with a difference to look at first.",
        "exportJob": "the catalogue is exported by `manage.py catalogue`.",
    },
)  # fmt: skip

for _model, _name in ((Offering, "productOffering"), (Specification, "productSpecification")):
    notices.announce(_model._meta.label_lower, notices.Announced("tmf620", _name, states=STATUS,
                                                                 attribute="lifecycleStatus"))  # fmt: skip

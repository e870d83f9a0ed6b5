"""TMF638 service inventory: the services that products stand on, and what they stand on themselves."""

from typing import Any

from django.db.models import Prefetch

from cmdb.api.productinventory import by_characteristic, place
from cmdb.models import ResourceUse, Service, ServiceRelation
from kernel.models import User
from kernel.rest import filters, notices
from kernel.rest.filters import CHOICE, MOMENT, NUMBER, Filter
from kernel.rest.rendering import Json, Rendering, characteristics, moment
from kernel.rest.resource import Api, Resource

STATES = {
    "feasibility_checked": "feasibilityChecked", "designed": "designed", "reserved": "reserved",
    "inactive": "inactive", "active": "active", "terminated": "terminated",
}  # fmt: skip
BY_ORDERS = {
    "POST": "a service comes to be by a service order.", "PATCH": "a service is changed by a service order.",
    "DELETE": "a service is ended by a service order, and kept on record.",
}  # fmt: skip


def _rows(user: User) -> Any:
    return Service.objects.visible_to(user)


def ready(rows: Any, page: Rendering) -> Any:
    """Services with what the wanted attributes read."""
    rows = page.joined(rows.select_related("specification"), relatedParty=("account",), place=("site",))
    if page.wants("serviceRelationship"):
        below = ServiceRelation.objects.select_related("on").order_by("pk")
        rows = rows.prefetch_related(Prefetch("stands_on", below))
    if page.wants("supportingResource"):
        used = ResourceUse.objects.select_related("resource").order_by("pk")
        rows = rows.prefetch_related(Prefetch("uses", used))
    return rows


def specification(of: Any) -> Json:
    """The specification that a service follows."""
    return named(of.key, of.name, of.version)


def named(key: str, name: str, version: int) -> Json:
    """A specification by what identifies it."""
    return {"id": key, "name": name, "version": str(version), "@referredType": "ServiceSpecification"}


def service(row: Any, page: Rendering) -> Json:
    """One service."""
    found: Json = {
        "name": row.name, "category": row.specification.kind.upper(), "state": STATES[row.state],
        "serviceType": row.specification.name, "hasStarted": row.started_at is not None,
        "isServiceEnabled": row.state == "active", "startDate": moment(row.started_at), "endDate": moment(row.ended_at),
        "serviceDate": moment(row.created_at), "place": lambda: place(row.site),
        "serviceCharacteristic": lambda: characteristics(row.characteristics),
        "serviceSpecification": specification(row.specification),
        "relatedParty": lambda: [page.ref("customer", row.account.number, row.account.name, role="customer")],
    }  # fmt: skip
    if page.wants("serviceRelationship"):
        found["serviceRelationship"] = [
            {"relationshipType": "reliesOn" if one.kind == "requires" else "realizedBy",
             "service": {"id": one.on.number, "href": page.href("service", one.on.number), "name": one.on.name}}
            for one in row.stands_on.all()
        ]  # fmt: skip
    if page.wants("supportingResource"):
        found["supportingResource"] = [
            {"id": one.resource.number, "name": one.resource.name, "@referredType": "Resource"}
            for one in row.uses.all()
        ]
    return found


FILTERS = {
    "name": Filter("name"), "state": Filter("state", CHOICE, filters.words(STATES)),
    "category": Filter("specification__kind", CHOICE, {"CFS": ("cfs",), "RFS": ("rfs",)}),
    "startDate": Filter("started_at", MOMENT), "endDate": Filter("ended_at", MOMENT),
    "isServiceEnabled": Filter("state", CHOICE, {
        "true": ("active",), "false": tuple(name for name in STATES if name != "active"),
    }),
    "serviceSpecification.id": Filter("specification__key"),
    "serviceSpecification.name": Filter("specification__name"), "relatedParty.id": Filter("account__number"),
    "place.id": Filter("site", NUMBER), "serviceCharacteristic.name": Filter(build=by_characteristic),
    "serviceCharacteristic.value": Filter(build=by_characteristic),
    "supportingResource.id": Filter("uses__resource__number", many=True),
}  # fmt: skip
SERVICE = Resource(
    name="service", type="Service", rows=_rows, render=service, ready=ready, filters=FILTERS, refused=BY_ORDERS
)
API = Api("tmf638", "Service inventory", "serviceInventory", (SERVICE,))
notices.announce(Service._meta.label_lower, notices.Announced("tmf638", "service", states=STATES,
                                                              born=frozenset({"realized"})))  # fmt: skip

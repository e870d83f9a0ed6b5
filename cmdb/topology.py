"""Topology: what stands on what, drawn from the neighbourhood of realised nodes."""

from dataclasses import dataclass

from django.db import connection

from cmdb.models import Resource, ResourceUse, Service, ServiceRelation

# A part that came with its device's order is used by whoever uses the device; a shared router's other ports are not.
USE_PARTS = """
WITH RECURSIVE below (service_id, resource_id) AS (
    SELECT used.service_id, part.id
    FROM cmdb_resourceuse used
    JOIN cmdb_resource device ON device.id = used.resource_id
    JOIN cmdb_resource part ON part.parent_id = device.id AND part.order_number = device.order_number
    WHERE device.id = ANY(%s)
  UNION
    SELECT below.service_id, part.id
    FROM below
    JOIN cmdb_resource device ON device.id = below.resource_id
    JOIN cmdb_resource part ON part.parent_id = device.id AND part.order_number = device.order_number
)
INSERT INTO cmdb_resourceuse (service_id, resource_id, role)
SELECT service_id, resource_id, 'part' FROM below ORDER BY service_id, resource_id
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Edges:
    """The neighbours of one node, all named by domain order number, and the products it realises."""

    node: str
    parents: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    products: tuple[int, ...] = ()
    role: str = ""


def link(nodes: list[Edges]) -> None:
    """Draw every relation whose two ends exist: products, services, resources, parts of devices."""
    edges = {(parent, one.node) for one in nodes for parent in one.parents}
    edges |= {(one.node, child) for one in nodes for child in one.children}
    numbers = {number for edge in edges for number in edge} | {one.node for one in nodes}
    services = dict(Service.objects.filter(domain_order__in=numbers).values_list("domain_order", "pk"))
    resources = dict(Resource.objects.filter(domain_order__in=numbers).values_list("domain_order", "pk"))
    through = Service.products.through
    pairs = sorted({(services[one.node], pk) for one in nodes for pk in one.products if one.node in services})
    through.objects.bulk_create([through(service_id=s, product_id=p) for s, p in pairs], ignore_conflicts=True)
    _stand_on(sorted(edges), services)
    roles = {one.node: one.role[:40] for one in nodes}
    ResourceUse.objects.bulk_create(
        [
            ResourceUse(service_id=services[over], resource_id=resources[under], role=roles.get(under, ""))
            for over, under in sorted(edges)
            if over in services and under in resources
        ],
        ignore_conflicts=True,
    )
    _put_in_devices(
        {resources[part]: resources[device] for device, part in edges if {device, part} <= resources.keys()}
    )
    with connection.cursor() as cursor:
        cursor.execute(USE_PARTS, [sorted(resources.values())])


def _stand_on(edges: list[tuple[str, str]], services: dict[str, int]) -> None:
    ServiceRelation.objects.bulk_create(
        [
            ServiceRelation(service_id=services[over], on_id=services[under])
            for over, under in edges
            if over in services and under in services
        ],
        ignore_conflicts=True,
    )


def _put_in_devices(device_of: dict[int, int]) -> None:
    """A part names its device."""
    parts = list(Resource.objects.filter(pk__in=device_of, parent__isnull=True).order_by("pk")) if device_of else []
    for part in parts:
        part.parent_id = device_of[part.pk]
    if parts:
        Resource.objects.bulk_update(parts, ["parent"])

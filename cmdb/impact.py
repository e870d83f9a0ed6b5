"""Impact: from a product down to ports, devices and numbers, and from a resource up to the customers it serves."""

from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from cmdb.models import Product, Resource, Service

DOWN = """
WITH RECURSIVE reached (kind, id, parent_kind, parent_id, depth, path) AS (
    SELECT 'service', service_id, 'product', product_id, 1, ARRAY['s' || service_id]
    FROM cmdb_service_products WHERE product_id = %s
  UNION ALL
    SELECT hop.kind, hop.id, reached.kind, reached.id, reached.depth + 1, reached.path || (left(hop.kind, 1) || hop.id)
    FROM reached JOIN LATERAL (
        SELECT 'service' AS kind, on_id AS id FROM cmdb_servicerelation
        WHERE reached.kind = 'service' AND service_id = reached.id
      UNION ALL
        SELECT 'resource', resource_id FROM cmdb_resourceuse WHERE reached.kind = 'service' AND service_id = reached.id
      UNION ALL
        SELECT 'resource', parent_id FROM cmdb_resource
        WHERE reached.kind = 'resource' AND id = reached.id AND parent_id IS NOT NULL
    ) hop ON true
    WHERE NOT (left(hop.kind, 1) || hop.id) = ANY(reached.path)
)
SELECT kind, id, parent_kind, parent_id, depth FROM reached ORDER BY depth, kind DESC, id
"""

UP = """
WITH RECURSIVE things (id) AS (
    SELECT %s::bigint
  UNION
    SELECT part.id FROM things JOIN cmdb_resource part ON part.parent_id = things.id
), standing (id) AS (
    SELECT service_id FROM cmdb_resourceuse JOIN things ON things.id = resource_id
  UNION
    SELECT relation.service_id FROM standing JOIN cmdb_servicerelation relation ON relation.on_id = standing.id
)
SELECT 'resource', id FROM things
UNION ALL SELECT 'service', id FROM standing
UNION ALL SELECT DISTINCT 'product', product_id FROM cmdb_service_products JOIN standing ON standing.id = service_id
"""


@dataclass
class Node:
    """One thing in a trace with what it stands on, in tree order; `depth` counts from the product's services at 0."""

    kind: str
    record: Any
    depth: int
    below: list["Node"] = field(default_factory=list)

    @property
    def mark(self) -> str:
        """What tells it from others of its kind: values that came out of the work, such as a serial number."""
        known = [c for c in self.record.specification.characteristics.all() if c.source == "task"]
        values = [self.record.characteristics.get(c.key) for c in known]
        values = [str(value) for value in values if value and value is not True]
        return ", ".join(values[:2])


@dataclass(frozen=True)
class Impact:
    """What depends on a resource; every list is empty when nothing does."""

    resources: list[Any]
    services: list[Any]
    products: list[Any]

    @property
    def accounts(self) -> list[Any]:
        """The customers concerned, each once, by name."""
        return sorted({p.account for p in self.products} | {s.account for s in self.services}, key=lambda a: a.name)


def trace(product: Product) -> list[Node]:
    """Services and resources under a product as a tree laid flat, each thing once, in five queries."""
    with connection.cursor() as cursor:
        cursor.execute(DOWN, [product.pk])
        rows = cursor.fetchall()
    services = _by_key(Service, [pk for kind, pk, *_ in rows if kind == "service"])
    resources = _by_key(Resource, [pk for kind, pk, *_ in rows if kind == "resource"])
    used = {pk for kind, pk, parent_kind, *_ in rows if kind == "resource" and parent_kind == "service"}
    holders: dict[tuple[str, int], tuple[str, int]] = {}
    for kind, pk, parent_kind, parent, _ in rows:
        device: int = (resources[pk].parent_id or 0) if kind == "resource" and pk in used else 0
        if kind == "resource" and pk in used and parent_kind == "resource":
            continue  # reached through its part, but a service uses it directly
        holders.setdefault((kind, pk), ("resource", device) if device in used else (parent_kind, parent))
    nodes = {key: Node(key[0], (services if key[0] == "service" else resources)[key[1]], 0) for key in holders}
    for key, holder in holders.items():
        if holder in nodes:
            nodes[holder].below.append(nodes[key])
    return _laid_flat([nodes[key] for key, holder in holders.items() if holder not in nodes], 0)


def _laid_flat(level: list[Node], depth: int) -> list[Node]:
    found = []
    for node in level:
        node.depth = depth
        found.append(node)
        found += _laid_flat(node.below, depth + 1)
    return found


def impact(resource: Resource) -> Impact:
    """Everything that stands on a resource or on a part of it, up to products and their customers, in four queries."""
    with connection.cursor() as cursor:
        cursor.execute(UP, [resource.pk])
        rows = cursor.fetchall()
    keys: dict[str, list[int]] = {"resource": [], "service": [], "product": []}
    for kind, pk in rows:
        keys[kind].append(pk)
    near = ("account", "site", "specification")
    living = Product.objects.exclude(state__in=["terminated", "cancelled", "aborted"])
    return Impact(
        resources=list(Resource.objects.filter(pk__in=keys["resource"]).exclude(pk=resource.pk).order_by("pk")),
        services=list(
            Service.objects.filter(pk__in=keys["service"]).select_related(*near).order_by("account__name", "pk")
        ),
        products=list(
            living.filter(pk__in=keys["product"]).select_related(*near).order_by("account__name", "site__name", "pk")
        ),
    )


def _by_key(model: Any, keys: list[int]) -> dict[int, Any]:
    rows = model.objects.select_related("specification", "site").prefetch_related("specification__characteristics")
    return rows.in_bulk(keys)  # type: ignore[no-any-return]

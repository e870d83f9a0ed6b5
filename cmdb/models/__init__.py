"""Tables of inventory and feasibility."""

from cmdb.models.feasibility import FeasibilityCheck, PointOfPresence
from cmdb.models.inventory import Product, Resource, ResourceUse, Service, ServiceRelation

__all__ = [
    "FeasibilityCheck",
    "PointOfPresence",
    "Product",
    "Resource",
    "ResourceUse",
    "Service",
    "ServiceRelation",
]

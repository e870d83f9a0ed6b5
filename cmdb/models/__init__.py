"""Tables of inventory and feasibility."""

from cmdb.models.feasibility import FeasibilityCheck, PointOfPresence
from cmdb.models.inventory import Product, Resource, ResourceUse, Service, ServiceRelation
from cmdb.models.qualification import Qualification, QualificationItem

__all__ = [
    "FeasibilityCheck",
    "PointOfPresence",
    "Product",
    "Qualification",
    "QualificationItem",
    "Resource",
    "ResourceUse",
    "Service",
    "ServiceRelation",
]

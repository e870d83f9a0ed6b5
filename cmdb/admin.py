"""Administration of the inventory: points of presence are ours to set, instances are looked at."""

from django.contrib import admin

from cmdb.models import FeasibilityCheck, PointOfPresence, Product, Resource, Service
from kernel.admin import ReadOnly, Recorded


@admin.register(PointOfPresence)
class PointOfPresenceAdmin(Recorded):
    """Where the network can be reached; feasibility measures from here."""

    list_display = ["code", "name", "city", "country", "technologies", "max_mbps", "redundant"]
    list_filter = ["country", "redundant"]
    search_fields = ["code", "name", "city"]


@admin.register(Product)
class ProductAdmin(ReadOnly):
    """Products, as acts of orders made them."""

    list_display = ["number", "name", "account", "site", "state", "order_number", "started_at"]
    list_filter = ["state"]
    search_fields = ["number", "name", "account__name", "order_number"]
    list_select_related = ["account", "site"]


@admin.register(Service)
class ServiceAdmin(ReadOnly):
    """Services."""

    list_display = ["number", "name", "account", "site", "state", "domain_order", "started_at"]
    list_filter = ["state", "specification__kind"]
    search_fields = ["number", "name", "account__name", "domain_order"]
    list_select_related = ["account", "site"]


@admin.register(Resource)
class ResourceAdmin(ReadOnly):
    """Resources."""

    list_display = ["number", "name", "specification", "account", "site", "state", "parent"]
    list_filter = ["state"]
    search_fields = ["number", "name", "account__name", "domain_order"]
    list_select_related = ["specification", "account", "site", "parent"]


@admin.register(FeasibilityCheck)
class FeasibilityAdmin(ReadOnly):
    """Answers of feasibility."""

    list_display = [
        "number",
        "site",
        "offering",
        "result",
        "pop",
        "distance_m",
        "lead_days",
        "build_cost",
        "valid_until",
    ]
    list_filter = ["result"]
    search_fields = ["number", "site__name", "account__name"]
    list_select_related = ["site", "offering", "pop"]

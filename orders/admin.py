"""Administration of orders: to look things up; orders are changed and moved in the workspace only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import TabularInline

from kernel.admin import Recorded
from orders.models import DomainOrder, MissingValue, Order, OrderLine


class LookedAt(Recorded):
    """Records that are only read here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LineInline(TabularInline):
    """Lines of an order."""

    model = OrderLine
    fk_name = "order"
    extra = 0
    fields = ["position", "action", "offering", "site", "quantity", "state", "monthly"]
    readonly_fields = fields
    can_delete = False


@admin.register(Order)
class OrderAdmin(LookedAt):
    """Orders with their lines."""

    list_display = ["number", "title", "account", "state", "fulfilment", "promised_on", "channel"]
    list_filter = ["state", "fulfilment", "channel"]
    search_fields = ["number", "title", "account__name", "their_reference"]
    list_select_related = ["account"]
    inlines = [LineInline]


@admin.register(DomainOrder)
class DomainOrderAdmin(LookedAt):
    """Domain orders with the rule that made them."""

    list_display = ["number", "name", "kind", "action", "state", "order", "site", "rule", "rule_version"]
    list_filter = ["state", "kind", "action", "specification"]
    search_fields = ["number", "order__number", "path"]
    list_select_related = ["order", "site", "rule"]


@admin.register(MissingValue)
class MissingValueAdmin(LookedAt):
    """Values that people were asked for."""

    list_display = ["order", "line", "characteristic", "needed_for", "value", "filled_by", "filled_at"]
    list_filter = ["needed_for"]
    search_fields = ["order__number", "characteristic__name"]
    list_select_related = ["order", "line__offering", "characteristic", "filled_by"]

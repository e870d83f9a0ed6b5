"""Administration of quotes: to look at only, they change through the editor."""

from django.contrib import admin
from unfold.admin import TabularInline

from contracts.models import Quote, QuoteLine
from kernel.admin import ReadOnly


class QuoteLineInline(TabularInline):  # type: ignore[misc]
    """Lines of a version, without what they cost us."""

    model = QuoteLine
    extra = 0
    can_delete = False
    fields = readonly_fields = ("position", "site", "offering", "quantity", "characteristics", "monthly", "one_time")
    max_num = 0


@admin.register(Quote)
class QuoteAdmin(ReadOnly):
    """Versions of quotes."""

    list_display = ["number", "version", "title", "account", "state", "monthly", "one_time", "valid_until"]
    list_filter = ["state", "price_list"]
    search_fields = ["number", "title", "account__name"]
    list_select_related = ["account"]
    exclude = ["monthly_cost", "one_time_cost", "content_hash"]
    inlines = [QuoteLineInline]

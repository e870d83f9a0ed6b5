"""Administration of fallout: looked at, mended on its own page."""

from django.contrib import admin

from fallout.models import Fallout
from kernel.admin import ReadOnly


@admin.register(Fallout)
class FalloutAdmin(ReadOnly):
    """Records of tasks that failed for good."""

    list_display = ["number", "cause", "type", "team", "owner", "state", "resolution", "sla_due_at", "created_at"]
    list_filter = ["state", "type", "team", "resolution"]
    search_fields = ["number", "cause", "account__name", "order__number"]
    list_select_related = ["owner"]

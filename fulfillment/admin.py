"""Administration of the engine: plans and project templates to edit, what runs to read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import TabularInline

from fulfillment.models import (
    Attempt,
    Breaker,
    Callback,
    Capacity,
    Flow,
    Pause,
    PlanDefinition,
    PlanDependency,
    PlanItem,
    ProjectTemplate,
    Task,
    WorkOrder,
)
from kernel.admin import ReadOnly, Recorded


class DependencyInline(TabularInline):
    """What the item waits for."""

    model = PlanDependency
    fk_name = "after"
    extra = 0
    autocomplete_fields = ["before"]


class ItemInline(TabularInline):
    """Items of a plan, short; each has a page of its own."""

    model = PlanItem
    extra = 0
    show_change_link = True
    fields = ["position", "key", "name", "kind", "duration_days", "team", "condition"]


class DraftsOnly:
    """Only drafts are edited: running flows and their trail refer to what was published."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Drafts, for those with the right."""
        definition = getattr(obj, "definition", obj)
        may: bool = super().has_change_permission(request, obj)  # type: ignore[misc]
        return may and (definition is None or definition.state == PlanDefinition.State.DRAFT)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As for changes."""
        may: bool = super().has_delete_permission(request, obj)  # type: ignore[misc]
        return may and obj is not None and self.has_change_permission(request, obj)


@admin.register(PlanDefinition)
class PlanDefinitionAdmin(DraftsOnly, Recorded):
    """Plan definitions by version."""

    list_display = ["name", "key", "version", "specification", "action", "state"]
    list_filter = ["state", "action"]
    search_fields = ["key", "name"]
    autocomplete_fields = ["specification"]
    readonly_fields = ["state"]
    inlines = [ItemInline]


@admin.register(PlanItem)
class PlanItemAdmin(DraftsOnly, Recorded):
    """One step of a plan with everything."""

    list_display = ["name", "definition", "kind", "team", "duration_days"]
    list_filter = ["kind"]
    search_fields = ["key", "name", "definition__key"]
    autocomplete_fields = ["definition"]
    inlines = [DependencyInline]


@admin.register(ProjectTemplate)
class ProjectTemplateAdmin(Recorded):
    """Kinds of projects."""

    list_display = ["name", "key", "budget_share"]
    search_fields = ["key", "name"]


@admin.register(Flow)
class FlowAdmin(ReadOnly):
    """Plans at work."""

    list_display = ["name", "root_number", "state", "priority", "planned_end", "estimated_end"]
    list_filter = ["state", "action"]
    search_fields = ["name", "root_number"]


@admin.register(Task)
class TaskAdmin(ReadOnly):
    """Tasks as the engine sees them."""

    list_display = ["number", "name", "kind", "state", "attempts", "waits_for", "due_at", "lease_until", "fence"]
    list_filter = ["state", "kind"]
    search_fields = ["number", "name"]


@admin.register(Attempt)
class AttemptAdmin(ReadOnly):
    """Calls of systems outside."""

    list_display = ["task", "number", "system", "operation", "status", "outcome", "started_at", "ended_at"]
    list_filter = ["outcome", "system"]
    search_fields = ["task__number", "idempotency_key"]
    list_select_related = ["task"]


@admin.register(Callback)
class CallbackAdmin(ReadOnly):
    """Messages that systems sent."""

    list_display = ["system", "event_id", "task", "effect", "received_at"]
    list_filter = ["system", "effect"]
    search_fields = ["event_id", "task__number"]
    list_select_related = ["task"]


@admin.register(WorkOrder)
class WorkOrderAdmin(ReadOnly):
    """Visits."""

    list_display = ["number", "task", "site", "technician", "starts_at"]
    search_fields = ["number", "task__number"]
    list_select_related = ["task", "site", "technician"]


@admin.register(Capacity)
class CapacityAdmin(Recorded):
    """How much runs at once, for systems and teams."""

    list_display = ["name", "kind", "most"]
    list_filter = ["kind"]
    search_fields = ["name"]


@admin.register(Pause)
class PauseAdmin(ReadOnly):
    """When the engine was paused, by whom and why."""

    list_display = ["reason", "by", "since", "ended_at", "ended_by"]
    list_select_related = ["by", "ended_by"]


@admin.register(Breaker)
class BreakerAdmin(ReadOnly):
    """Systems that failed lately."""

    list_display = ["system", "failures", "since", "open_until", "cause"]

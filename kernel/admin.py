"""Administration of the kernel: people, rules, calendars, and what the machine wrote, read-only."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from kernel import outbox
from kernel.models import (
    ApprovalRequest,
    ApprovalStep,
    AuditEntry,
    BusinessCalendar,
    DecisionTable,
    Document,
    Holiday,
    OutboxEvent,
    User,
)

admin.site.unregister(Group)


class ReadOnly(ModelAdmin):
    """What only the product itself writes."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]
    """People: who logs in, in which roles."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "first_name", "last_name", "job_title", "is_active"]
    list_filter = ["is_active", "groups"]
    add_fieldsets = ((None, {"fields": ("username", "email", "usable_password", "password1", "password2")}),)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "job_title", "time_zone", "theme")}),
        ("Work", {"fields": ("groups", "teams", "skills")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "last_login", "date_joined")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # people are switched off, so that the trail keeps its names


@admin.register(Group)
class RoleAdmin(DjangoGroupAdmin, ModelAdmin):
    """Roles; what the code grants comes back with `manage.py roles`."""


class HolidayInline(TabularInline):
    """Days that do not count."""

    model = Holiday
    extra = 0


@admin.register(BusinessCalendar)
class CalendarAdmin(ModelAdmin):
    """Business calendars."""

    list_display = ["name", "time_zone", "opens", "closes", "is_default"]
    inlines = [HolidayInline]


@admin.register(DecisionTable)
class DecisionTableAdmin(ReadOnly):
    """Rules in tables, as they are stored; they are edited on their pages in the workspace, version by version."""

    list_display = ["title", "key", "version", "state", "valid_from", "hit", "updated_at"]
    list_filter = ["state"]
    search_fields = ["title", "key"]


@admin.register(AuditEntry)
class AuditAdmin(ReadOnly):
    """The audit trail."""

    list_display = ["at", "actor", "action", "subject_type", "subject_name", "reason"]
    list_filter = ["subject_type", "action"]
    search_fields = ["subject_name", "request_id", "actor__username"]
    list_select_related = ["actor"]
    show_full_result_count = False


@admin.register(OutboxEvent)
class OutboxAdmin(ReadOnly):
    """Events and whether everybody heard of them."""

    list_display = ["id", "kind", "created_at", "due_at", "attempts", "done_at", "failure"]
    list_filter = [("done_at", admin.EmptyFieldListFilter), "kind"]
    actions = ["deliver_again"]
    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and request.user.has_perm("kernel.change_outboxevent")

    @admin.display(description="Last error")
    def failure(self, event: OutboxEvent) -> str:
        return event.error[:100]

    @admin.action(description="Deliver again now", permissions=["change"])
    def deliver_again(self, request: HttpRequest, events: QuerySet[OutboxEvent]) -> None:
        """Make waiting events due now; reactions that have run do not run again."""
        count = events.filter(done_at__isnull=True).update(due_at=Now())
        outbox.wake()
        self.message_user(request, f"{count} waiting events are delivered again now.", messages.SUCCESS)


class StepInline(TabularInline):
    """Steps of a round."""

    model = ApprovalStep
    extra = 0
    can_delete = False
    fields = readonly_fields = ["sequence", "role", "because", "decision", "decided_by", "decided_at", "reason"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApprovalRequest)
class ApprovalAdmin(ReadOnly):
    """Rounds of approval."""

    list_display = ["subject_name", "state", "requested_by", "requested_at", "closed_at"]
    list_filter = ["state"]
    inlines = [StepInline]


@admin.register(Document)
class DocumentAdmin(ReadOnly):
    """Documents, by name and hash; their content is read on the record's page."""

    list_display = ["name", "kind", "version", "subject_type", "size", "created_by", "created_at"]
    list_filter = ["kind", "subject_type"]
    search_fields = ["name", "sha256"]
    exclude = ["file"]

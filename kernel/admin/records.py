"""Administration of the kernel: people, rules, calendars, and what the machine wrote, read-only."""

import json
from contextlib import suppress
from typing import Any

from axes import utils as axes
from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission
from django.contrib.postgres.fields import ArrayField
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.html import format_html
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from oauth2_provider.models import AccessToken, DeviceGrant, Grant, IDToken, RefreshToken
from unfold.admin import TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from kernel import audit, jobs, naming, outbox, roles, secondfactor, workspace
from kernel.admin.recorded import Recorded
from kernel.models import (
    ApiCall,
    ApiClient,
    ApprovalRequest,
    ApprovalStep,
    AuditEntry,
    BusinessCalendar,
    DecisionTable,
    Delivery,
    Document,
    DocumentType,
    Holiday,
    OutboxEvent,
    Subscription,
    User,
)
from kernel.rest import notices, sending
from kernel.saying import said

admin.site.unregister([Group, TOTPDevice, StaticDevice])


class ReadOnly(Recorded):
    """What only the product itself writes."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(DjangoUserAdmin, Recorded):  # type: ignore[type-arg]
    """People: who logs in, in which roles."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "first_name", "last_name", "in_roles", "is_active"]
    list_filter = ["is_active", "groups"]
    filter_horizontal = ()
    formfield_overrides = {ArrayField: {"widget": UnfoldAdminTextInputWidget, "help_text": "Several with commas."}}
    add_fieldsets = ((None, {"fields": ("username", "email", "usable_password", "password1", "password2")}),)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "job_title", "language", "time_zone", "theme")}),
        ("Work", {"fields": ("groups", "teams", "skills")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "last_login", "date_joined")}),
    )

    actions = ["let_in", "take_second_factor"]

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "groups":
            field = forms.ModelMultipleChoiceField(
                Group.objects.order_by("name"), required=False, label=said("Roles"),
                widget=UnfoldAdminCheckboxSelectMultipleWidget,
            )  # fmt: skip
            field.label_from_instance = _role
        return field

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.prefetch_related("groups")

    @admin.display(description="Roles")
    def in_roles(self, user: User) -> str:
        """In words."""
        held = [_role(group) for group in user.groups.all()]
        return ", ".join([said("Administrator"), *held] if user.is_superuser else held) or "–"

    @admin.action(description="Let them try to log in again", permissions=["change"])
    def let_in(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """For those who typed wrong passwords until the log-in was shut to them."""
        for user in people:
            axes.reset(username=user.username)
        self.message_user(request, f"{len(people)} may try again.", messages.SUCCESS)

    @admin.action(description="Take the second factor away", permissions=["change"])
    def take_second_factor(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """For those who lost their telephone; they log in with the password alone and may add another."""
        by = workspace.person(request)
        count = sum(secondfactor.reset(user=user, by=by) for user in people)
        self.message_user(request, f"{count} second factors are taken away.", messages.SUCCESS)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # people are switched off, so that the trail keeps its names


@admin.register(Group)
class RoleAdmin(DjangoGroupAdmin, Recorded):
    """Roles; what the code grants comes back with `manage.py roles`."""

    def formfield_for_manytomany(self, *args: Any, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_manytomany(*args, **kwargs)
        field.label_from_instance = _right
        return field


def _role(group: Group) -> str:
    return str(said(roles.ROLES.get(group.name, group.name)))


def _right(permission: Permission) -> str:
    app = apps.get_app_config(permission.content_type.app_label).verbose_name
    with naming.spoken(False):
        sentence = roles.sentence(f"{permission.content_type.app_label}.{permission.codename}")
    return f"{app}: {sentence}"


class HolidayInline(TabularInline):
    """Days that do not count."""

    model = Holiday
    extra = 0


@admin.register(BusinessCalendar)
class CalendarAdmin(Recorded):
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        rows: QuerySet[AuditEntry] = super().get_queryset(request)
        return rows & audit.readable_by(workspace.person(request))


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


@admin.register(DocumentType)
class DocumentTypeAdmin(Recorded):
    """Types of files by kind of record, and the stages that need them."""

    list_display = ["label", "subject_type", "needed_for", "position"]
    list_filter = ["subject_type"]
    search_fields = ["label", "key"]


@admin.register(ApiCall)
class ApiCallAdmin(ReadOnly):
    """Every call of an interface."""

    list_display = ["at", "by", "user", "method", "path", "status", "milliseconds", "reason"]
    list_filter = ["status", "method"]
    search_fields = ["path", "by", "user__username", "request_id"]
    list_select_related = ["user"]
    show_full_result_count = False


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnly):
    """Who listens to which events."""

    list_display = ["callback", "api", "user", "query", "failing_since", "disabled_at", "why_disabled"]
    list_filter = ["api", ("disabled_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user"]
    actions = ["send_again_to"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and request.user.has_perm("kernel.replay_delivery")

    @admin.action(description="Send to these again", permissions=["change"])
    def send_again_to(self, request: HttpRequest, listeners: QuerySet[Subscription]) -> None:
        """Listeners that were disabled hear again, also what waited meanwhile."""
        count = sending.enable(listeners.values_list("pk", flat=True))
        jobs.wake(notices.TASK)
        told = "1 listener is sent to again." if count == 1 else f"{count} listeners are sent to again."
        self.message_user(request, told, messages.SUCCESS)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    """Every notification to another system, with what was sent and what came back."""

    list_display = ["created_at", "event_type", "subject", "subscription", "attempts", "answered", "problem", "done_at"]
    list_filter = [("done_at", admin.EmptyFieldListFilter), ("given_up_at", admin.EmptyFieldListFilter), "event_type"]
    search_fields = ["subject", "event_id"]
    list_select_related = ["subscription"]
    fieldsets = (
        (None, {"fields": ("event_type", "subject", "subscription", "created_at", "due_at", "done_at", "given_up_at")}),
        ("What was sent", {"fields": ("event_id", "attempts", "body_sent")}),
        ("What came back", {"fields": ("answered", "problem", "milliseconds", "answer_read")}),
    )
    readonly_fields = ["body_sent", "answer_read"]
    actions = ["replay"]
    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and request.user.has_perm("kernel.replay_delivery")

    @admin.action(description="Send again", permissions=["change"])
    def replay(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> None:
        """Send these once more, whatever became of them."""
        count = sending.again(deliveries.values_list("pk", flat=True))
        jobs.wake(notices.TASK)
        told = "1 notification is sent again." if count == 1 else f"{count} notifications are sent again."
        self.message_user(request, told, messages.SUCCESS)

    @admin.display(description="Body")
    def body_sent(self, delivery: Delivery) -> str:
        """What was sent, laid out."""
        return _laid_out(delivery.body)

    @admin.display(description="Answer")
    def answer_read(self, delivery: Delivery) -> str:
        """The beginning of what came back."""
        return _laid_out(delivery.answer)


def _laid_out(text: str) -> str:
    """JSON with its lines indented, anything else as it is, in a frame of its own."""
    with suppress(ValueError):
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    frame = "max-height: 28rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 12px"
    return format_html('<pre tabindex="0" style="{}">{}</pre>', frame, text) if text else ""


for _model in (AccessToken, Grant, IDToken, RefreshToken, DeviceGrant, ApiClient):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)

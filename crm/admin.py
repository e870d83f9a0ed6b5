"""Administration of customers and the pipeline; records with a lifecycle are read here and moved in the workspace."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from guardian.admin import GuardedModelAdminMixin
from unfold.admin import ModelAdmin, TabularInline

from crm.models import (
    Account,
    BillingProfile,
    Contact,
    Lead,
    LeadLine,
    Opportunity,
    OpportunityLine,
    Site,
    Stage,
    TeamMember,
)


class Kept(ModelAdmin):
    """Records that stay: they are never deleted here."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TeamInline(TabularInline):
    """Who looks after an account."""

    model = TeamMember
    extra = 0
    autocomplete_fields = ["user"]


class ContactInline(TabularInline):
    """People at an account."""

    model = Contact
    extra = 0
    fields = ["first_name", "last_name", "email", "role"]
    show_change_link = True


@admin.register(Account)
class AccountAdmin(GuardedModelAdminMixin, Kept):
    """Accounts. They are opened in the workspace, where their place in the tree is set."""

    list_display = ["number", "name", "kind", "parent", "tier", "segment", "owner"]
    list_filter = ["kind", "tier", "segment"]
    search_fields = ["number", "name", "registration"]
    autocomplete_fields = ["owner"]
    readonly_fields = ["number", "kind", "parent", "root", "path", "edition", "created_at", "updated_at"]
    list_select_related = ["parent", "owner"]
    inlines = [ContactInline, TeamInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Contact)
class ContactAdmin(ModelAdmin):
    """People at accounts."""

    list_display = ["last_name", "first_name", "email", "role", "account", "user"]
    list_filter = ["role"]
    search_fields = ["first_name", "last_name", "email", "account__name"]
    autocomplete_fields = ["account", "user"]
    list_select_related = ["account", "user"]


@admin.register(Site)
class SiteAdmin(ModelAdmin):
    """Sites."""

    list_display = ["code", "name", "city", "country", "region", "account"]
    list_filter = ["country", "region"]
    search_fields = ["code", "name", "city", "account__name"]
    autocomplete_fields = ["account", "contact"]
    list_select_related = ["account"]


@admin.register(BillingProfile)
class BillingProfileAdmin(ModelAdmin):
    """How accounts pay."""

    list_display = ["account", "name", "invoice_email", "currency", "payment_days", "is_default"]
    list_filter = ["currency", "is_default"]
    search_fields = ["account__name", "name", "invoice_email"]
    autocomplete_fields = ["account"]
    list_select_related = ["account"]


@admin.register(Stage)
class StageAdmin(ModelAdmin):
    """The stages of the sales pipeline, in their order."""

    list_display = ["position", "name", "key", "probability", "outcome"]
    list_display_links = ["name"]
    list_editable = ["position", "probability"]
    search_fields = ["name", "key"]
    prepopulated_fields = {"key": ["name"]}


class LeadLineInline(TabularInline):
    """What a lead might want."""

    model = LeadLine
    extra = 0
    autocomplete_fields: list[str] = []


@admin.register(Lead)
class LeadAdmin(Kept):
    """Leads. Their state moves in the workspace only."""

    list_display = ["number", "company", "last_name", "state", "rating", "source", "owner"]
    list_filter = ["state", "rating", "source"]
    search_fields = ["number", "company", "last_name", "email"]
    autocomplete_fields = ["owner"]
    readonly_fields = ["number", "state", "converted_to", "disqualified_because", "edition", "created_at", "updated_at"]
    list_select_related = ["owner"]
    inlines = [LeadLineInline]


class OpportunityLineInline(TabularInline):
    """What might be sold."""

    model = OpportunityLine
    extra = 0


@admin.register(Opportunity)
class OpportunityAdmin(Kept):
    """Opportunities. Stage and state move in the workspace only."""

    list_display = ["number", "name", "account", "stage", "state", "monthly", "close_on", "owner"]
    list_filter = ["state", "stage"]
    search_fields = ["number", "name", "account__name"]
    autocomplete_fields = ["account", "contact", "owner"]
    readonly_fields = ["number", "stage", "state", "reason", "edition", "created_at", "updated_at"]
    list_select_related = ["account", "stage", "owner"]
    inlines = [OpportunityLineInline]

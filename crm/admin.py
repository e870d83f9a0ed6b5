"""Administration of customers and the pipeline; records with a lifecycle are read here and moved in the workspace."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from guardian.admin import GuardedModelAdminMixin
from unfold.admin import TabularInline

from crm import systems
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
from kernel import roles
from kernel.admin import Recorded
from kernel.models import ApiClient
from kernel.rest import scopes


class Kept(Recorded):
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
class ContactAdmin(Recorded):
    """People at accounts."""

    list_display = ["last_name", "first_name", "email", "role", "account", "user"]
    list_filter = ["role"]
    search_fields = ["first_name", "last_name", "email", "account__name"]
    autocomplete_fields = ["account", "user"]
    list_select_related = ["account", "user"]


@admin.register(Site)
class SiteAdmin(Recorded):
    """Sites."""

    list_display = ["code", "name", "city", "country", "region", "account"]
    list_filter = ["country", "region"]
    search_fields = ["code", "name", "city", "account__name"]
    autocomplete_fields = ["account", "contact"]
    list_select_related = ["account"]


@admin.register(BillingProfile)
class BillingProfileAdmin(Recorded):
    """How accounts pay."""

    list_display = ["account", "name", "invoice_email", "currency", "payment_days", "is_default"]
    list_filter = ["currency", "is_default"]
    search_fields = ["account__name", "name", "invoice_email"]
    autocomplete_fields = ["account"]
    list_select_related = ["account"]


@admin.register(Stage)
class StageAdmin(Recorded):
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


class ClientForm(forms.ModelForm[ApiClient]):
    """What another system is registered with."""

    account = forms.ModelChoiceField(
        Account.objects.order_by("name"), required=False, empty_label="The whole provider",
        help_text="The system sees this customer’s accounts only. Leave it empty for a system of our own.",
    )  # fmt: skip
    role = forms.ChoiceField(
        choices=[("", "None"), *((key, label) for key, label in roles.ROLES.items() if key != systems.CUSTOMER)],
        required=False, help_text="What a system of our own may do.",
    )  # fmt: skip
    scopes = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = ApiClient
        fields = ["name", "scopes", "rate", "is_active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = True
        field = self.fields["scopes"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 – declared so above
        field.choices = list(scopes.every().items())
        if self.instance.pk:
            del self.fields["account"], self.fields["role"]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not self.instance.pk and not found.get("account") and not found.get("role"):
            self.add_error("role", "Choose a customer’s account above, or a role for the whole provider.")
        return found


@admin.register(ApiClient)
class ClientAdmin(Recorded):
    """Systems that use the APIs. The secret of a new one is shown once."""

    form = ClientForm
    list_display = ["name", "client_id", "acts_as", "rate", "is_active", "created"]
    list_filter = ["is_active"]
    search_fields = ["name", "client_id"]
    list_select_related = ["user"]
    readonly_fields = ["client_id", "acts_as"]
    actions = ["renew_secret"]

    @admin.display(description="Acts as")
    def acts_as(self, client: ApiClient) -> str:
        return str(client.user.username) if client.user else "–"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # clients are switched off, so that their calls keep a name

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ["name", "account", "role", "scopes", "rate"]
        return ["name", "client_id", "acts_as", "scopes", "rate", "is_active"]

    def save_model(self, request: HttpRequest, obj: ApiClient, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        values = form.cleaned_data
        account = values.get("account")
        made, secret = systems.register(
            name=values["name"], scopes=values["scopes"], account_id=account.pk if account else None,
            role=values.get("role") or "", rate=values.get("rate") or 600, by=request.user,  # type: ignore[arg-type]
        )  # fmt: skip
        obj.pk, obj.client_id = made.pk, made.client_id
        self._show(request, made.client_id, secret)

    @admin.action(description="Make a new secret", permissions=["change"])
    def renew_secret(self, request: HttpRequest, clients: Any) -> None:
        """Show a new secret for each; the old ones end."""
        for client in clients:
            self._show(request, client.client_id, systems.new_secret(client_id=client.pk, by=request.user))  # type: ignore[arg-type]

    def _show(self, request: HttpRequest, client_id: str, secret: str) -> None:
        text = f"Client id {client_id}, secret {secret}. Copy the secret now: it is not shown again."
        self.message_user(request, text, messages.WARNING)

"""Administration of agreements and contracts: the clause library is ours to write, signed things are looked at."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from unfold.admin import TabularInline

import contracts.quoteadmin  # noqa: F401 – quotes register themselves
from contracts import clauses, consent
from contracts.forms.provider import ProviderForm
from contracts.models import (
    Agreement,
    AgreementDiscount,
    AgreementSla,
    AgreementTerm,
    BillingStart,
    Clause,
    ConsentText,
    Contract,
    Entitlement,
    Provider,
    ServiceLevel,
    SignatureRequest,
)
from kernel.admin import ReadOnly, Recorded


@admin.register(Clause)
class ClauseAdmin(Recorded):
    """The library. Changing the words of a clause makes its next version; agreements keep the one they have."""

    list_display = ["title", "key", "language", "version", "standard", "state", "position"]
    list_filter = ["state", "language", "standard"]
    search_fields = ["title", "key", "text"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["key", "version", "state", "language"] if obj else ["version", "state"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.state == Clause.State.APPROVED)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        said = super().construct_change_message(request, form, formsets, add)
        if not add:  # other words are the next version's
            changes = request.recorded_changes  # type: ignore[attr-defined]
            request.recorded_changes = {  # type: ignore[attr-defined]
                name: pair if name not in ("title", "text") else [None, "the next version has others"]
                for name, pair in changes.items()
            }
        return said

    def save_model(self, request: HttpRequest, obj: Clause, form: Any, change: bool) -> None:
        reworded = {"title", "text"} & set(form.changed_data)
        if not change or not reworded:
            super().save_model(request, obj, form, change)
            return
        if others := set(form.changed_data) - reworded:
            Clause.objects.filter(pk=obj.pk).update(**{name: form.cleaned_data[name] for name in others})
        made = clauses.revise(key=obj.key, title=obj.title, text=obj.text, by=request.user)  # type: ignore[arg-type]
        messages.success(request, f"Version {made.version} is in force; agreements keep the version they have.")


class _Rows(TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TermRows(_Rows):
    """Terms of an agreement."""

    model = AgreementTerm


class DiscountRows(_Rows):
    """Discounts of an agreement."""

    model = AgreementDiscount


class SlaRows(_Rows):
    """Service levels of an agreement."""

    model = AgreementSla


@admin.register(Agreement)
class AgreementAdmin(ReadOnly):
    """Agreements, as their acts made them."""

    list_display = ["number", "version", "title", "account", "state", "starts_on", "ends_on"]
    list_filter = ["state"]
    search_fields = ["number", "title", "account__name"]
    list_select_related = ["account"]
    inlines = [DiscountRows, SlaRows, TermRows]


class EntitlementRows(_Rows):
    """Entitlements of a contract."""

    model = Entitlement


class LevelRows(_Rows):
    """Service levels of a contract."""

    model = ServiceLevel


@admin.register(Contract)
class ContractAdmin(ReadOnly):
    """Contracts, as signatures made them."""

    list_display = ["number", "kind", "account", "site", "state", "starts_on", "ends_on", "monthly"]
    list_filter = ["kind", "state"]
    search_fields = ["number", "account__name", "site__name"]
    list_select_related = ["account", "site"]
    inlines = [LevelRows, EntitlementRows]


@admin.register(SignatureRequest)
class SignatureRequestAdmin(ReadOnly):
    """Links that were sent, and what came of them; their secrets are not kept."""

    list_display = [
        "contact",
        "account",
        "subject_type",
        "created_at",
        "opened_at",
        "signed_at",
        "declined_at",
        "void_at",
    ]
    list_filter = ["subject_type", "wet"]
    search_fields = ["account__name", "contact__last_name", "signed_name"]
    list_select_related = ["contact", "account"]
    exclude = ["token_hash"]


@admin.register(BillingStart)
class BillingStartAdmin(ReadOnly):
    """From when what is billed to whom."""

    list_display = ["product", "account", "site", "starts_on", "monthly", "one_time", "currency"]
    search_fields = ["product__number", "account__name", "site__name"]
    list_select_related = ["product", "account", "site"]


@admin.register(Provider)
class ProviderAdmin(Recorded):
    """One record: name, address, colour and logo of every document that is made from now on."""

    form = ProviderForm
    list_display = ["name", "legal_name", "city", "country", "accent"]
    fieldsets = (
        ("Who we are", {"fields": ("name", "legal_name", "registration", "vat_number")}),
        ("Where", {"fields": ("street", "postcode", "city", "country", "email", "phone", "website")}),
        ("Appearance", {"fields": ("accent", "picture", "no_picture")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not Provider.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ConsentText)
class ConsentTextAdmin(Recorded):
    """What signatories agree to. Adding one makes the next version; none is ever changed."""

    list_display = ["version", "created_at", "text"]
    fields = ["text"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ConsentText, form: Any, change: bool) -> None:
        made = consent.revise(text=obj.text, by=request.user)  # type: ignore[arg-type]
        obj.pk, obj.version = made.pk, made.version

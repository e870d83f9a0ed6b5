"""Administration of the catalogue: offerings, specifications, prices; expressions are checked before they are kept."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from catalog.models import (
    BundleItem,
    Category,
    Characteristic,
    DecompositionRule,
    Dependency,
    Offering,
    PriceAdjustment,
    PriceEntry,
    PriceList,
    Specification,
)
from kernel import audit, decisions

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm


def checked(text: str) -> str:
    """The expression, if it can be read. Raises ValidationError with the place of the mistake."""
    if text.strip():
        try:
            decisions.check(text)
        except decisions.BrokenRule as error:
            raise ValidationError(str(error)) from error
    return text


class AdjustmentForm(ModelForm):
    """A rule on prices."""

    class Meta:
        model = PriceAdjustment
        fields = (
            "key", "label", "price_list", "offerings", "charge", "step", "condition", "how", "value", "explanation",
            "position", "active",
        )  # fmt: skip

    def clean_condition(self) -> str:
        """Readable by the engine."""
        return checked(self.cleaned_data["condition"])

    def clean_value(self) -> str:
        """A number or an expression."""
        return checked(self.cleaned_data["value"])


class CharacteristicForm(ModelForm):
    """A characteristic."""

    class Meta:
        model = Characteristic
        fields = ("key", "shown_when")

    def clean_shown_when(self) -> str:
        """Readable by the engine."""
        return checked(self.cleaned_data["shown_when"])


class Recorded(ModelAdmin):
    """Writes who changed what, as every other door does."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        audit.record("changed in the admin", obj, by=request.user, changes={"what": [None, str(message)[:500]]})  # type: ignore[arg-type]
        return super().log_change(request, obj, message)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        audit.record("added in the admin", obj, by=request.user)  # type: ignore[arg-type]
        return super().log_addition(request, obj, message)


class CharacteristicInline(TabularInline):
    """Characteristics of a specification."""

    model = Characteristic
    form = CharacteristicForm
    extra = 0
    fields = (
        "position",
        "key",
        "name",
        "type",
        "source",
        "choices",
        "required",
        "default",
        "shown_when",
        "significant",
    )


class BundleItemInline(TabularInline):
    """Members of a bundle."""

    model = BundleItem
    fk_name = "bundle"
    extra = 0


@admin.register(Category)
class CategoryAdmin(Recorded):
    """Shelves."""

    list_display = ["name", "key", "parent", "position"]
    search_fields = ["name", "key"]


@admin.register(Specification)
class SpecificationAdmin(Recorded):
    """What things are."""

    list_display = ["name", "key", "version", "kind", "state"]
    list_filter = ["kind", "state"]
    search_fields = ["name", "key"]
    readonly_fields = ["state"]
    inlines = [CharacteristicInline]


@admin.register(Offering)
class OfferingAdmin(Recorded):
    """What is sold."""

    list_display = ["name", "key", "version", "kind", "category", "sellable", "state"]
    list_filter = ["kind", "state", "category"]
    search_fields = ["name", "key"]
    autocomplete_fields = ["specification", "category"]
    filter_horizontal = ["entitled_to"]
    readonly_fields = ["state"]
    inlines = [BundleItemInline]


@admin.register(PriceList)
class PriceListAdmin(Recorded):
    """Lists of prices."""

    list_display = ["name", "key", "currency", "segment", "valid_from", "valid_until"]
    search_fields = ["name", "key"]


@admin.register(PriceEntry)
class PriceEntryAdmin(Recorded):
    """Prices and costs."""

    list_display = ["offering", "label", "charge", "when", "amount", "is_cost", "price_list"]
    list_filter = ["price_list", "charge", "is_cost", "offering"]
    search_fields = ["offering__name", "label"]
    autocomplete_fields = ["offering", "price_list"]
    list_select_related = ["offering", "price_list"]


@admin.register(PriceAdjustment)
class PriceAdjustmentAdmin(Recorded):
    """Rules on prices."""

    form = AdjustmentForm
    list_display = ["label", "key", "charge", "step", "condition", "how", "value", "position", "active"]
    list_filter = ["step", "charge", "active", "price_list"]
    search_fields = ["label", "key"]
    filter_horizontal = ["offerings"]


@admin.register(Dependency)
class DependencyAdmin(Recorded):
    """What needs or excludes what."""

    list_display = ["source", "kind", "scope"]
    autocomplete_fields = ["source"]
    filter_horizontal = ["targets"]


@admin.register(DecompositionRule)
class DecompositionRuleAdmin(Recorded):
    """What begets what, to look at; it is changed on its own page, version by version."""

    list_display = ["key", "version", "state", "starts_on", "source", "target", "condition", "cardinality", "merge"]
    list_filter = ["kind", "state"]
    search_fields = ["key", "source__name", "target__name"]
    list_select_related = ["source", "target"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

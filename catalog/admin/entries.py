"""Administration of the catalogue: offerings, specifications, rules; expressions are checked before they are kept."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import TabularInline

from catalog import adjusting, consistency
from catalog.models import (
    BundleGroup,
    BundleItem,
    Category,
    Characteristic,
    DecompositionRule,
    Dependency,
    Offering,
    PriceAdjustment,
    SampleOrder,
    Specification,
)
from kernel.admin import Recorded

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm


CHARACTERISTIC = (
    "position", "key", "name", "type", "source", "choices", "multiple", "refers_to", "unit", "minimum", "maximum",
    "step", "pattern", "required", "required_when", "default", "shown_when", "significant", "hint",
)  # fmt: skip


class AdjustmentForm(ModelForm):
    """A rule on prices."""

    class Meta:
        model = PriceAdjustment
        fields = (
            "key", "label", "price_list", "offerings", "charge", "step", "condition", "how", "value", "explanation",
            "position", "active",
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """What the workspace would refuse is refused here too, at its field."""
        data = super().clean() or self.cleaned_data
        for name, texts in adjusting.wrong(data, data["offerings"]).items() if not self.errors else ():
            for text in texts:
                self.add_error(name, text)
        return data


class CharacteristicForm(ModelForm):
    """A characteristic."""

    class Meta:
        model = Characteristic
        fields = CHARACTERISTIC

    def clean(self) -> dict[str, Any]:
        """What the workspace would refuse is refused here too, at its field."""
        data = super().clean() or self.cleaned_data
        owner = data.get("specification") or self.instance.specification
        others = owner.characteristics.exclude(pk=self.instance.pk) if owner and owner.pk else ()
        stand_in = Characteristic(**{name: data[name] for name in CHARACTERISTIC if name in data})
        for name, texts in consistency.of_characteristic(stand_in, others).items() if not self.errors else ():
            for text in texts:
                self.add_error(name, text)
        return data


class CharacteristicInline(TabularInline):
    """Characteristics of a specification."""

    model = Characteristic
    form = CharacteristicForm
    extra = 0
    fields = CHARACTERISTIC


class BundleGroupInline(TabularInline):
    """Choices within a bundle."""

    model = BundleGroup
    extra = 0


class BundleItemInline(TabularInline):
    """Members of a bundle."""

    model = BundleItem
    fk_name = "bundle"
    extra = 0
    autocomplete_fields = ["member"]


class InDesign(Recorded):
    """A versioned entry: only one in design changes here; its state moves on its page in the workspace."""

    list_display = ["name", "key", "version", "kind", "state", "valid_from", "valid_until", "updated_at"]
    list_filter = ["kind", "state"]
    search_fields = ["name", "key"]
    readonly_fields = ["state", "edition"]
    ordering = ["key", "-version"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.state == "design")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.state == "design")


@admin.register(Category)
class CategoryAdmin(Recorded):
    """Shelves."""

    list_display = ["name", "key", "parent", "position"]
    search_fields = ["name", "key"]
    autocomplete_fields = ["parent"]


@admin.register(Specification)
class SpecificationAdmin(InDesign):
    """What things are."""

    inlines = [CharacteristicInline]


@admin.register(Offering)
class OfferingAdmin(InDesign):
    """What is sold."""

    list_filter = ["kind", "state", "category"]
    autocomplete_fields = ["specification", "category", "entitled_to"]
    inlines = [BundleGroupInline, BundleItemInline]


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
    list_filter = ["kind", "scope"]
    search_fields = ["source__name", "source__key"]
    autocomplete_fields = ["source", "targets"]
    list_select_related = ["source"]


@admin.register(SampleOrder)
class SampleOrderAdmin(Recorded):
    """Sample orders of the test bench."""

    list_display = ["name", "key", "price_list", "term", "updated_at"]
    search_fields = ["name", "key"]
    autocomplete_fields = ["price_list"]
    list_select_related = ["price_list"]
    readonly_fields = ["edition"]


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

"""Administration of prices and money: what holds from a day on is only added to; what the workspace refuses is too."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from catalog import entries, matrices, pricelists
from catalog.models import (
    CurrencyRule,
    ExchangeRate,
    MarginFloor,
    PriceEntry,
    PriceList,
    PriceMatrix,
    ProrationRule,
)
from kernel import roles
from kernel.admin import ReadOnly, Recorded
from kernel.refusal import Refusal

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm


class ListForm(ModelForm):
    """The head of a price list."""

    class Meta:
        model = PriceList
        fields = ("key", *pricelists.FIELDS)

    def clean(self) -> dict[str, Any]:
        """What the workspace would refuse is refused here too, at its field."""
        data = super().clean() or self.cleaned_data
        if not self.errors:
            _refuse(self, pricelists.wrong(data, PriceList.objects.filter(pk=self.instance.pk).first()))
        return data


class EntryForm(ModelForm):
    """A price or a cost."""

    class Meta:
        model = PriceEntry
        fields = ("price_list", "offering", "is_cost", *entries.FIELDS)

    def clean(self) -> dict[str, Any]:
        """What the workspace would refuse is refused here too, at its field."""
        data = super().clean() or self.cleaned_data
        if self.errors:
            return data
        known = matrices.axes(data["offering"])
        if unknown := sorted(set(data["when"] or {}) - known.keys()):
            self.add_error("when", f"{data['offering'].name} has no “{unknown[0]}”. It has {', '.join(known)}.")
        try:
            data.update(entries.sound(data))
        except Refusal as error:
            _refuse(self, error.problems)
        return data


class FloorForm(ModelForm):
    """The least margin of a role in a segment."""

    role = forms.ChoiceField(
        choices=lambda: [("", "Every role"), *roles.ROLES.items()], required=False,
        help_text="Who may go no lower by hand.",
    )  # fmt: skip

    class Meta:
        model = MarginFloor
        fields = ("percent", "role", "segment")


def _refuse(form: ModelForm, problems: dict[str, list[str]]) -> None:
    for name, texts in problems.items():
        for text in texts:
            form.add_error(name if name in form.fields else None, text)


class FromADay(Recorded):
    """What holds from a day on: once that day has come it stays as it is, and the next one follows it."""

    ordering = ["-valid_from"]
    date_hierarchy = "valid_from"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.valid_from > timezone.localdate())

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and obj is not None and obj.valid_from > timezone.localdate()


@admin.register(PriceList)
class PriceListAdmin(Recorded):
    """Lists of prices."""

    form = ListForm
    list_display = ["name", "key", "currency", "segment", "valid_from", "valid_until"]
    list_filter = ["currency", "segment"]
    search_fields = ["name", "key"]


@admin.register(PriceEntry)
class PriceEntryAdmin(Recorded):
    """Prices and costs."""

    form = EntryForm
    list_display = ["offering", "label", "charge", "when", "amount", "is_cost", "price_list"]
    list_filter = ["price_list", "charge", "is_cost", "offering"]
    search_fields = ["offering__name", "label"]
    autocomplete_fields = ["offering", "price_list"]
    list_select_related = ["offering", "price_list"]


@admin.register(PriceMatrix)
class PriceMatrixAdmin(ReadOnly):
    """Matrices by version, to look at; their grids are edited in the workspace, version by version."""

    list_display = ["name", "key", "version", "state", "charge", "price_list", "starts_on"]
    list_filter = ["state", "price_list"]
    search_fields = ["name", "key"]
    list_select_related = ["price_list"]


@admin.register(ExchangeRate)
class ExchangeRateAdmin(FromADay):
    """What currencies are worth."""

    list_display = ["source", "target", "rate", "valid_from", "origin"]
    list_filter = ["source", "target"]
    search_fields = ["source", "target", "origin"]


@admin.register(CurrencyRule)
class CurrencyRuleAdmin(FromADay):
    """How amounts are rounded."""

    list_display = ["currency", "smallest", "how", "valid_from"]
    list_filter = ["currency"]
    search_fields = ["currency"]


@admin.register(ProrationRule)
class ProrationRuleAdmin(FromADay):
    """How a part of a month is charged."""

    list_display = ["rule", "country", "currency", "valid_from"]
    list_filter = ["country", "currency"]
    search_fields = ["country", "currency"]


@admin.register(MarginFloor)
class MarginFloorAdmin(Recorded):
    """Under which margin nobody goes by hand."""

    form = FloorForm
    list_display = ["percent", "role", "segment"]
    list_filter = ["role", "segment"]
    search_fields = ["role", "segment"]

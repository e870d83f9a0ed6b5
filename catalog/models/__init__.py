"""Tables of the catalogue."""

from catalog.models.offerings import (
    BundleGroup,
    BundleItem,
    Category,
    Charge,
    Offering,
    PriceAdjustment,
    PriceEntry,
    PriceList,
)
from catalog.models.prices import (
    CurrencyRule,
    ExchangeRate,
    MarginFloor,
    PriceMatrix,
    ProrationRule,
)
from catalog.models.rules import DecompositionRule
from catalog.models.samples import SampleOrder
from catalog.models.shelves import ShelfEntry
from catalog.models.specifications import (
    TIGHTER_IS_MORE,
    Characteristic,
    Dependency,
    SlaMetric,
    Specification,
)

__all__ = [
    "TIGHTER_IS_MORE",
    "BundleGroup",
    "BundleItem",
    "Category",
    "Characteristic",
    "Charge",
    "CurrencyRule",
    "DecompositionRule",
    "Dependency",
    "ExchangeRate",
    "MarginFloor",
    "Offering",
    "PriceAdjustment",
    "PriceEntry",
    "PriceList",
    "PriceMatrix",
    "ProrationRule",
    "SampleOrder",
    "ShelfEntry",
    "SlaMetric",
    "Specification",
]

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
from catalog.models.rules import DecompositionRule
from catalog.models.samples import SampleOrder
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
    "DecompositionRule",
    "Dependency",
    "Offering",
    "PriceAdjustment",
    "PriceEntry",
    "PriceList",
    "SampleOrder",
    "SlaMetric",
    "Specification",
]

"""Memory of the catalogue: what changes only when somebody publishes or edits it is read once by each process."""

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from catalog.models import Offering, Specification
from kernel.remembering import Memory

T = TypeVar("T")
_CATALOGUE = Memory(
    "catalog.Category", "catalog.Offering", "catalog.Specification", "catalog.Characteristic", "catalog.Dependency",
    "catalog.Dependency_targets", "catalog.PriceAdjustment", "catalog.PriceAdjustment_offerings",
    "catalog.PriceList", "catalog.PriceMatrix", "catalog.CurrencyRule", "catalog.ShelfEntry",
)  # fmt: skip


def recall(key: Hashable, read: Callable[[], T]) -> T:
    """What was read from these tables under this key; nobody changes it. See `kernel.remembering`."""
    return _CATALOGUE.recall(key, read)


def offerings(keys: Iterable[int]) -> dict[int, Offering]:
    """Offerings by key, without what they point at."""
    wanted = frozenset(keys)
    return recall(("offerings", wanted), lambda: {one.pk: one for one in Offering.objects.filter(pk__in=wanted)})


def specifications(keys: Iterable[int]) -> dict[int, Specification]:
    """Specifications with their characteristics, by key."""
    wanted = frozenset(keys)
    rows = Specification.objects.filter(pk__in=wanted).prefetch_related("characteristics")
    return recall(("specifications", wanted), lambda: {one.pk: one for one in rows})

"""A small catalogue for tests, published through the import that the product uses."""

from pathlib import Path

import catalog.exchange  # noqa: F401 – registers the sections
from catalog import publication
from catalog.models import Offering, PriceList

FILE = Path(__file__).with_name("catalogue.yaml")


def publish() -> None:
    """Bring the catalogue into force."""
    publication.load(publication.read(FILE), by=None)


def offering(key: str) -> Offering:
    """An active offering with its specification."""
    return Offering.objects.select_related("specification").get(key=key, state="active")


def price_list() -> PriceList:
    """The list of the test catalogue."""
    return PriceList.objects.get(key="eur-test")

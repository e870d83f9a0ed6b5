"""Cell texts: what people type into one cell becomes a configuration, and what is written is read again."""

import pytest

from contracts import celltext
from tests.factories import catalog

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1G", {"bandwidth": "1G"}),
        ("1g · bgp", {"bandwidth": "1G", "routing": "BGP"}),
        ("routing: static; 500M", {"bandwidth": "500M", "routing": "static"}),
        ("1G, diversity: yes", {"bandwidth": "1G", "diversity": True}),
        ("1G BGP", {"bandwidth": "1G", "routing": "BGP"}),
        ("x", {}),
    ],
)
def test_a_cell_is_read(text: str, values: dict[str, object]) -> None:
    found = celltext.read(catalog.offering("dia"), text)
    assert (found.values, found.problems) == (values, [])


def test_what_fits_nothing_says_what_would() -> None:
    found = celltext.read(catalog.offering("dia"), "7G")
    assert found.problems == ["“7G” fits nothing of Dedicated internet. Bandwidth is 100M, 500M, 1G, 10G."]
    assert celltext.read(catalog.offering("dia"), "–").nothing


def test_what_is_written_is_read_again() -> None:
    offering = catalog.offering("dia")
    values = {"bandwidth": "10G", "routing": "BGP", "customer_asn": 64500, "diversity": True}
    text = celltext.written(offering, values, 3)
    found = celltext.read(offering, text)
    assert (found.values, found.quantity, found.problems) == (values, 3, [])

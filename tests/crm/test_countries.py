"""Countries by code or name, and postcodes where we know how they look."""

import pytest

from crm import countries


@pytest.mark.parametrize(
    ("text", "code"),
    [("NL", "NL"), (" nl ", "NL"), ("Netherlands", "NL"), ("czech republic", "CZ"), ("Côte d'Ivoire", "CI"),
     ("XX", None), ("", None)],
)  # fmt: skip
def test_a_country_by_code_or_name(text: str, code: str | None) -> None:
    assert countries.code_of(text) == code


def test_every_code_has_two_letters_and_a_name() -> None:
    assert len(countries.NAMES) >= 249
    assert all(len(code) == 2 and code.isupper() and name for code, name in countries.NAMES.items())


@pytest.mark.parametrize(
    ("country", "postcode", "fits"),
    [("NL", "3087 BM", True), ("NL", "3087bm", True), ("NL", "30870", False), ("DE", "4711", False),
     ("PL", "62-023", True), ("PL", "62023", False), ("JP", "anything", True)],
)  # fmt: skip
def test_postcodes(country: str, postcode: str, fits: bool) -> None:
    assert (countries.postcode_problem(country, postcode) == "") is fits

"""Composition and eligibility: what a site needs, what excludes what, where something is sold."""

import pytest

from catalog import composition, eligibility
from tests.factories import catalog

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


def spec(key: str) -> int:
    return catalog.offering(key).specification_id or 0


def test_a_requirement_is_met_at_the_same_site_only() -> None:
    present = {1: {spec("sdwan"), spec("dia")}, 2: {spec("sdwan")}, 3: {spec("dia")}}
    (clash,) = composition.missing_requirements(present)
    assert (clash.site_id, clash.specification_id) == (2, spec("sdwan"))
    assert clash.text == "SD-WAN site needs Dedicated internet at the same site."


def test_an_exclusion_of_the_account_looks_at_all_sites() -> None:
    (clash,) = composition.missing_requirements({None: {spec("mobile")}, 7: {spec("sip")}})
    assert clash.site_id is None
    assert clash.text == "Mobile fleet cannot be together with SIP trunk at the customer."


def test_nothing_present_breaks_nothing() -> None:
    assert composition.missing_requirements({}) == []


def test_eligibility_speaks_in_sentences() -> None:
    assert eligibility.problems(catalog.offering("sip"), {"country": "CH"}) == ["Voice is not sold in Switzerland."]
    assert eligibility.problems(catalog.offering("sip"), {"country": "NL"}) == []

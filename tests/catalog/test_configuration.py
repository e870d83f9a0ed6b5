"""Configuration: strings become values, wrong ones stay as typed with their problem, hidden ones go."""

import pytest

from catalog import configuration
from catalog.models import Specification
from tests.factories import catalog

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


@pytest.fixture
def dia() -> Specification:
    specification = catalog.offering("dia").specification
    assert specification is not None
    return specification


def test_defaults_leave_out_what_is_hidden(dia: Specification) -> None:
    assert configuration.defaults(dia) == {"routing": "static", "diversity": False}


def test_form_strings_become_typed_values(dia: Specification) -> None:
    raw = {"bandwidth": "1g", "routing": "BGP", "customer_asn": " 210 483 ", "diversity": "true"}
    values, problems = configuration.clean(dia, raw)
    assert values == {"bandwidth": "1G", "routing": "BGP", "customer_asn": 210483, "diversity": True}
    assert problems == {}


def test_what_cannot_be_read_stays_and_is_named(dia: Specification) -> None:
    values, problems = configuration.clean(dia, {"bandwidth": "2G", "routing": "BGP", "customer_asn": "AS12"})
    assert values["customer_asn"] == "AS12"
    assert problems["customer_asn"] == ["“AS12” is not a number."]
    assert problems["bandwidth"] == ["“2G” is not offered. Choose 100M, 500M, 1G or 10G."]


def test_required_is_asked_for_only_when_shown(dia: Specification) -> None:
    assert configuration.validate(dia, {"routing": "static"}, complete=True) == {"bandwidth": ["Choose the bandwidth."]}
    asked = configuration.validate(dia, {"routing": "BGP", "bandwidth": "1G"}, complete=True)
    assert asked == {"customer_asn": ["Enter the AS number."]}
    assert configuration.validate(dia, {"routing": "BGP"}, complete=False) == {}


def test_hidden_values_go_when_the_choice_above_changes(dia: Specification) -> None:
    kept = {"bandwidth": "1G", "routing": "BGP", "customer_asn": 210483}
    values, problems = configuration.clean(dia, {"routing": "static"}, kept)
    assert values == {"bandwidth": "1G", "routing": "static", "diversity": False}
    assert problems == {}


@pytest.mark.parametrize(("number", "sentence"), [(0, "At least 1."), (4294967295, "At most 4294967294.")])
def test_numbers_keep_their_range(dia: Specification, number: int, sentence: str) -> None:
    values = {"bandwidth": "1G", "routing": "BGP", "customer_asn": number}
    assert configuration.validate(dia, values, complete=True) == {"customer_asn": [sentence]}


def test_unknown_characteristics_are_refused(dia: Specification) -> None:
    values = {"bandwidth": "1G", "routing": "static", "colour": "red"}
    assert configuration.validate(dia, values, complete=True) == {"colour": ["There is no such characteristic."]}


def test_enrichment_is_asked_for_by_its_source_only(dia: Specification) -> None:
    values = {"bandwidth": "1G", "routing": "static"}
    assert configuration.validate(dia, values, complete=True, sources=["enrichment"]) == {"vlan": ["Enter the vlan."]}


def test_fields_say_how_they_look(dia: Specification) -> None:
    fields = {f.key: f for f in configuration.form_fields(dia, {"bandwidth": "1G", "routing": "BGP"})}
    assert list(fields) == ["bandwidth", "routing", "customer_asn", "diversity"]
    assert fields["bandwidth"].widget == "pick"
    assert ("1G", "1G", True) in fields["bandwidth"].choices
    assert fields["customer_asn"].maximum == "4294967294"
    assert fields["diversity"].widget == "check"


@pytest.mark.parametrize("text", ["NaN", "1e400", "∞", "--3", "١٢"])
def test_odd_numbers_never_raise(dia: Specification, text: str) -> None:
    values, _ = configuration.clean(dia, {"bandwidth": "1G", "routing": "BGP", "customer_asn": text})
    configuration.validate(dia, values, complete=True)

"""Typed values, conditions and references: one function that says what is wrong, whoever asks."""

from typing import Any

import pytest

from catalog import configuration
from catalog.models import Characteristic, Specification
from kernel import decisions
from kernel.models import DecisionTable
from tests.factories.crm import AccountFactory, SiteFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def specification() -> Specification:
    return Specification.objects.create(key="thing", kind="product", name="Thing")


def characteristic(specification: Specification, key: str, **values: Any) -> Characteristic:
    return Characteristic.objects.create(specification=specification, key=key, name=key.capitalize(), **values)


def wrong(specification: Specification, **values: Any) -> dict[str, list[str]]:
    return configuration.validate(specification, values, complete=True)


def test_a_number_goes_up_in_steps(specification: Specification) -> None:
    characteristic(specification, "channels", type="number", minimum=10, maximum=100, step=15, unit="calls")
    assert wrong(specification, channels=25) == {}
    assert wrong(specification, channels=30) == {"channels": ["In steps of 15 calls; the nearest are 25 and 40."]}
    assert wrong(specification, channels=99) == {"channels": ["In steps of 15 calls; the nearest are 85 and 100."]}


def test_more_than_one_may_be_chosen(specification: Specification) -> None:
    packs = [{"value": "film", "label": "Films"}, {"value": "sport", "label": "Sports, live"}, "news"]
    characteristic(specification, "packs", type="choice", multiple=True, choices=packs, required=True)
    values, problems = configuration.clean(specification, {"packs": ["sport", "film"]})
    assert (values, problems) == ({"packs": ["sport", "film"]}, {})
    assert configuration.told(specification.characteristics.get(), values["packs"]) == "Sports, live, Films"
    values, problems = configuration.clean(specification, {"packs": "news; opera"})
    assert problems["packs"] == ["“opera” is not offered. Choose Films, Sports, live or news."]
    assert configuration.clean(specification, {"packs": []})[1] == {"packs": ["Choose the packs."]}


def test_a_label_is_read_as_its_value_and_said_for_it(specification: Specification) -> None:
    one = characteristic(specification, "access", type="choice", choices=[{"value": "off_net", "label": "Off-net"}])
    assert configuration.parse(one, "off-net") == "off_net"
    assert configuration.told(one, "off_net") == "Off-net"


def test_required_only_when_its_expression_holds(specification: Specification) -> None:
    characteristic(specification, "backup", type="boolean")
    characteristic(specification, "carrier", required_when="backup == true")
    assert wrong(specification, backup=False) == {}
    assert wrong(specification, backup=True) == {"carrier": ["Enter the carrier."]}
    assert [f.required for f in configuration.form_fields(specification, {"backup": True})] == [False, True]


def test_a_decision_table_hides_requires_and_refuses(specification: Specification) -> None:
    Specification.objects.filter(pk=specification.pk).update(conditions="thing_rules")
    specification = Specification.objects.get(pk=specification.pk)
    for key in ("size", "rack", "colour"):
        characteristic(specification, key)
    DecisionTable.objects.create(
        key="thing_rules", title="Thing", hit="collect", state="active", valid_from="2020-01-01",
        inputs=[{"name": "size"}, {"name": "colour"}],
        outputs=[{"name": "characteristic"}, {"name": "effect"}, {"name": "says"}],
        rows=[
            {"size": "'S'", "characteristic": "'rack'", "effect": "'hide'"},
            {"size": "'L'", "characteristic": "'rack'", "effect": "'require'"},
            {"size": "'L'", "colour": "'red'", "characteristic": "'colour'", "effect": "'refuse'",
             "says": "'Large ones are not made in red.'"},
        ],
    )  # fmt: skip
    assert [f.key for f in configuration.form_fields(specification, {"size": "S"})] == ["size", "colour"]
    assert configuration.clean(specification, {"size": "S"}, {"rack": "19"})[0] == {"size": "S"}
    assert wrong(specification, size="L", colour="red") == {
        "rack": ["Enter the rack."], "colour": ["Large ones are not made in red."],
    }  # fmt: skip


def test_a_reference_points_at_the_customers_own_only(specification: Specification) -> None:
    characteristic(specification, "far_end", type="reference", refers_to="location")
    mine, other = SiteFactory(code="AMS1"), SiteFactory(code="BER9", account=AccountFactory())
    account = mine.account_id
    check = configuration.validate
    assert check(specification, {"far_end": "AMS1"}, complete=True, account_id=account) == {}
    found = check(specification, {"far_end": other.code}, complete=True, account_id=account)
    assert found == {"far_end": ["This customer has no location “BER9”."]}
    (field,) = configuration.form_fields(specification, {"far_end": "AMS1"}, account_id=account)
    assert (field.widget, [value for value, _, _ in field.choices]) == ("select", ["AMS1"])


def test_many_lines_read_the_table_once(specification: Specification, django_assert_num_queries: Any) -> None:
    specification.conditions = "not_there"
    characteristic(specification, "size")
    with decisions.holding():
        wrong(specification, size="S")
        with django_assert_num_queries(1):
            wrong(specification, size="M")

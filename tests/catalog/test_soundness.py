"""Soundness: a rule that cannot work is refused where it is wrong, before anybody relies on it."""

import datetime as dt
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog import publication, rulebook, soundness
from catalog.models import Characteristic, DecompositionRule, Specification
from catalog.publication import ImportRefused
from kernel.models import DecisionTable
from tests.factories.orders import stock

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def catalogue() -> None:
    stock()


def specification(key: str) -> Specification:
    return Specification.objects.get(key=key, state="active")


def rule(source: str = "t-access", target: str = "t-fibre", **values: Any) -> DecompositionRule:
    """A rule that is not stored."""
    values = {"key": "new", "starts_on": dt.date(2027, 1, 1), "mappings": []} | values
    return DecompositionRule(source=specification(source), target=specification(target), **values)


def entry(**values: Any) -> list[dict[str, Any]]:
    return [{"to": "speed_class", "how": "same", "from": "speed", "where": "parent"} | values]


def test_the_rules_of_the_shop_are_sound() -> None:
    for one in rulebook.newest():
        assert soundness.problems(one) == {}
        assert soundness.circles(rulebook.newest(), one) == {}


@pytest.mark.parametrize(
    ("values", "place", "said"),
    [
        ({"starts_on": None}, "starts_on", "from which day"),
        ({"condition": "speed >"}, "condition", "not a valid expression"),
        ({"condition": "sped > 5"}, "condition", "Internet access has no characteristic “sped”"),
        ({"cardinality": "per_characteristic"}, "count_from", "Name the characteristic"),
        ({"cardinality": "per_characteristic", "count_from": "pairs"}, "count_from", "no characteristic “pairs”"),
        ({"cardinality": "per_characteristic", "count_from": "routing"}, "count_from", "not a whole number"),
        ({"count_from": "access_pairs"}, "count_from", "Only a rule that counts"),
        ({"mappings": entry(to="colour")}, "mappings-0-to", "Fibre access has no characteristic “colour”"),
        ({"mappings": entry() + entry()}, "mappings-1-to", "another row already"),
        ({"mappings": entry(how="guess")}, "mappings-0-how", "no way to map"),
        ({"mappings": entry(where="above")}, "mappings-0-where", "neither the parent"),
        ({"mappings": entry(where="related:t-nothing")}, "mappings-0-where", "no specification “t-nothing”"),
        ({"mappings": [*entry(**{"from": "sped"})]}, "mappings-0-from", "no characteristic “sped”"),
        ({"mappings": entry(how="expression", value="'a' +")}, "mappings-0-value", "not a valid expression"),
        ({"mappings": entry(how="expression", value="sped + 1")}, "mappings-0-value", "no characteristic “sped”"),
        ({"mappings": entry(how="fixed")}, "mappings-0-value", "Say the value"),
        ({"mappings": entry(how="fixed", value=5)}, "mappings-0-value", "should be text"),
        ({"mappings": entry(how="table", value={})}, "mappings-0-value", "Write the table"),
        ({"mappings": entry(how="table", value="speeds")}, "mappings-0-value", "no active decision table “speeds”"),
        ({"mappings": entry(how="table", value={"100": 7})}, "mappings-0-value", "should be text"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_at_its_place(values: dict[str, Any], place: str, said: str) -> None:
    found = soundness.problems(rule(**values))
    assert list(found) == [place]
    assert said in found[place][0]


def test_a_number_with_fractions_does_not_count() -> None:
    Characteristic.objects.filter(specification__key="t-access", key="access_pairs").update(maximum="2.5")
    found = soundness.problems(rule(cardinality="per_characteristic", count_from="access_pairs"))
    assert found == {"count_from": ["Access pairs is not a whole number; it may be 2.5."]}


def test_a_decision_table_needs_the_column() -> None:
    table = DecisionTable(
        key="speeds", title="Speeds", inputs=[{"name": "speed"}], outputs=[{"name": "class"}], rows=[]
    )
    table.save()
    found = soundness.problems(rule(mappings=entry(how="table", value="speeds")))
    assert found == {"mappings-0-value": ["Decision table “speeds” has no column “speed_class”."]}


def test_rules_in_a_circle_name_the_way() -> None:
    found = soundness.circles(rulebook.newest(), rule("t-port", "t-access"))
    assert found == {"target": ["This would go in a circle: t-port → t-access → t-fibre → t-port."]}
    itself = soundness.circles(rulebook.newest(), rule("t-port", "t-port"))
    assert itself == {"target": ["This would go in a circle: t-port → t-port."]}


def test_siblings_that_wait_for_each_other_are_refused() -> None:
    DecompositionRule.objects.filter(key="t-access-t-bgp").update(
        mappings=[{"to": "peer", "how": "same", "from": "pop", "where": "sibling:t-optimiser"}]
    )
    new = rule("t-access", "t-optimiser", key="t-access-t-optimiser", mappings=[
        {"to": "pop", "how": "same", "from": "peer", "where": "sibling:t-bgp"},
    ])  # fmt: skip
    found = soundness.circles(rulebook.newest(), new)
    assert found == {
        "mappings-0-from": ["The values would wait for each other: t-optimiser.pop → t-bgp.peer → t-optimiser.pop."]
    }


def test_a_sibling_that_nobody_makes_is_refused() -> None:
    new = rule(mappings=entry(where="sibling:t-sim"))
    found = soundness.circles(rulebook.newest(), new)
    assert found == {"mappings-0-where": ["No rule makes “t-sim” beside Fibre access."]}


@pytest.mark.parametrize(
    ("item", "place", "said"),
    [
        ({"source": "t-nothing"}, "rules[0] t-nothing-t-port source", "no specification “t-nothing”"),
        ({"condition": "circuit =="}, "rules[0] t-fibre-t-port condition", "not a valid expression"),
        ({"mappings": ["colour"]}, "rules[0] t-fibre-t-port mappings-0-to", "no characteristic “colour”"),
        ({"source": "t-port", "target": "t-access"}, "rules[0] t-port-t-access target", "in a circle"),
        ({"colour": "red"}, "rules[0] t-fibre-t-port colour", "no such field"),
    ],
)  # fmt: skip
def test_a_file_is_refused_at_its_place_and_changes_nothing(item: dict[str, Any], place: str, said: str) -> None:
    item = {"source": "t-fibre", "target": "t-port"} | item
    item["key"] = f"{item['source']}-{item['target']}"
    before = list(DecompositionRule.objects.values_list("key", "version", "state"))
    with pytest.raises(ImportRefused) as refusal:
        publication.load({"rules": [item]}, by=None)
    assert list(refusal.value.problems) == [place]
    assert said in refusal.value.problems[place][0]
    assert list(DecompositionRule.objects.values_list("key", "version", "state")) == before


def test_a_changed_rule_of_a_file_is_its_next_version() -> None:
    item = {"source": "t-sdwan", "target": "t-overlay", "condition": "size == 'M'"}
    (change,) = publication.load({"rules": [item]}, by=None)
    assert (change.kind, change.fields) == ("changed", {"condition": ["", "size == 'M'"]})
    rows = DecompositionRule.objects.filter(key="t-sdwan-t-overlay").order_by("version")
    assert [(row.version, row.state, row.condition) for row in rows] == [
        (1, "retired", ""), (2, "active", "size == 'M'"),
    ]  # fmt: skip
    (again,) = publication.load({"rules": [item]}, by=None)
    assert again.kind == "same"
    with pytest.raises(ImportRefused, match="Version 2 is published and stays as it is"):
        publication.load({"rules": [item | {"version": 2, "condition": ""}]}, by=None)


def test_the_check_names_rules_that_broke_after_they_were_published() -> None:
    out = StringIO()
    call_command("catalogue", "check", stdout=out)
    assert out.getvalue() == "8 rules, all sound.\n"
    Characteristic.objects.filter(specification__key="t-access", key="access_pairs").delete()
    with pytest.raises(CommandError) as refused:
        call_command("catalogue", "check")
    assert "t-access-t-fibre v1 count_from: Internet access has no characteristic “access_pairs”." in str(refused.value)
    with pytest.raises(CommandError, match="Name the file"):
        call_command("catalogue", "import")

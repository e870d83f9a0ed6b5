"""Versions: drafted, tried on samples, brought into force; what was sold keeps the old one."""

from typing import Any

import pytest

from catalog import composition, drafting, launching, pricing, queries, rulebook, testbench
from catalog.models import (
    Characteristic,
    DecompositionRule,
    Offering,
    PriceEntry,
    PriceMatrix,
    SampleOrder,
    Specification,
)
from kernel import lifecycle
from kernel.models import User
from tests.factories import catalog
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


@pytest.fixture
def paula() -> User:
    found: User = UserFactory(role="product_manager")
    return found


@pytest.fixture
def sample() -> SampleOrder:
    made: SampleOrder = SampleOrder.objects.create(
        key="branch", name="One branch", price_list=catalog.price_list(), term=1,
        sites=[{"code": "AMS1", "name": "Amsterdam", "country": "NL", "region": "metro"}],
        lines=[{"offering": "dia", "quantity": 1, "sites": "all", "values": {"bandwidth": "1G", "vlan": 12}}],
    )  # fmt: skip
    return made


def draft_of(key: str, by: User) -> Specification:
    active = Specification.objects.get(key=key, state="active")
    return drafting.next_version(Specification, active.pk, by=by)


def live(model: Any, row: Any, by: User, reason: str = "") -> Any:
    launching.to_testing(model, row.pk, by=by)
    return launching.activate(model, row.pk, by=by, reason=reason)


def test_a_new_version_begins_as_a_copy_and_is_open_once(paula: User) -> None:
    draft = draft_of("dia_product", paula)
    assert (draft.version, draft.state) == (2, "design")
    assert [c.key for c in draft.characteristics.all()] == ["bandwidth", "routing", "customer_asn", "diversity", "vlan"]
    assert draft_of("dia_product", paula).pk == draft.pk
    offering = drafting.next_version(Offering, catalog.offering("dia").pk, by=paula)
    assert PriceEntry.objects.filter(offering=offering).count() == 10


def test_only_a_version_in_design_changes(paula: User) -> None:
    active = Specification.objects.get(key="dia_product", state="active")
    with pytest.raises(drafting.Fixed, match="version 1 is active"):
        drafting.keep_characteristic(active.pk, key="", values={"key": "x", "name": "X"}, by=paula)


@pytest.mark.parametrize(("values", "field", "said"), [
    ({"type": "choice"}, "choices", "List the values"),
    ({"type": "number", "minimum": 5, "maximum": 2}, "maximum", "less than the least"),
    ({"pattern": "["}, "pattern", "cannot be read"),
    ({"shown_when": "colour == 'red'"}, "shown_when", "no characteristic “colour”"),
    ({"shown_when": "speedy == 1"}, "shown_when", "its own value"),
    ({"type": "reference"}, "refers_to", "Say what it points at"),
    ({"type": "number", "default": "lots"}, "default", "is not a number"),
    ({"key": "bandwidth"}, "key", "already"),
])  # fmt: skip
def test_an_inconsistent_characteristic_is_refused_at_its_field(
    paula: User, values: dict[str, Any], field: str, said: str
) -> None:
    draft = draft_of("dia_product", paula)
    with pytest.raises(drafting.Inconsistent) as refused:
        drafting.keep_characteristic(draft.pk, key="", values={"key": "speedy", "name": "S"} | values, by=paula)
    assert said in " ".join(refused.value.problems[field])
    assert not Characteristic.objects.filter(specification=draft, key="speedy").exists()


def test_expressions_that_wait_for_each_other_are_refused(paula: User) -> None:
    draft = draft_of("dia_product", paula)
    with pytest.raises(drafting.Inconsistent, match="go in a circle"):
        drafting.keep_characteristic(draft.pk, key="routing", values={"shown_when": "customer_asn > 1"}, by=paula)


def test_what_others_ask_for_is_not_taken_out(paula: User) -> None:
    draft = draft_of("dia_product", paula)
    with pytest.raises(drafting.Inconsistent, match="change that one first"):
        drafting.drop_characteristic(draft.pk, key="routing", by=paula)


def test_rules_follow_a_new_version_and_old_sales_keep_theirs(paula: User) -> None:
    old = Specification.objects.get(key="dia_product", state="active")
    rfs = Specification.objects.create(key="access", kind="rfs", name="Access")
    launching.bring_into_force(rfs, None)
    rule = DecompositionRule.objects.create(key="dia-access", source=old, target=rfs, starts_on="2026-01-01")
    rule.published_at = "2026-01-01T00:00Z"
    lifecycle.move(rule, DecompositionRule.publish, by=None)
    new = live(Specification, draft_of("dia_product", paula), paula)
    old = Specification.objects.get(pk=old.pk)
    assert (old.state, new.state) == ("retired", "active")
    followed = DecompositionRule.objects.get(key="dia-access", state="active")
    assert (followed.version, followed.source_id) == (2, new.pk)
    book = rulebook.read({old.pk, new.pk}, rulebook.in_force())
    assert [r.key for r in book.rules[old.pk]] == [r.key for r in book.rules[new.pk]] == ["dia-access"]
    dia = catalog.offering("dia")
    assert dia.specification_id == old.pk
    assert queries.behind(new) == [dia]
    next_one = drafting.next_version(Offering, dia.pk, by=paula)
    assert next_one.specification_id == new.pk
    assert queries.behind(new) == queries.behind(old) == []
    sdwan = catalog.offering("sdwan").specification_id or 0
    assert composition.missing_requirements({1: {sdwan, new.pk}}) == []


def test_a_version_that_breaks_a_sample_needs_a_reason(paula: User, sample: SampleOrder) -> None:
    draft = draft_of("dia_product", paula)
    wider = {"choices": ["2G"], "default": None}
    drafting.keep_characteristic(draft.pk, key="bandwidth", values=wider, by=paula)
    (verdict,) = testbench.judge_all(draft)
    assert verdict.red
    assert verdict.after.problems == ["Dedicated internet, Bandwidth: “1G” is not offered. Choose 2G."]
    launching.to_testing(Specification, draft.pk, by=paula)
    with pytest.raises(launching.SamplesRed) as refused:
        launching.activate(Specification, draft.pk, by=paula)
    assert refused.value.problems["reason"][0].startswith("One branch cannot be sold")
    assert Specification.objects.get(pk=draft.pk).state == "testing"
    launching.activate(Specification, draft.pk, by=paula, reason="The sample is out of date.")
    assert Specification.objects.get(pk=draft.pk).state == "active"


def test_a_draft_offering_shows_its_price_beside_the_active_one(paula: User, sample: SampleOrder) -> None:
    draft = drafting.next_version(Offering, catalog.offering("dia").pk, by=paula)
    PriceEntry.objects.filter(offering=draft, charge="recurring", is_cost=False, when={"bandwidth": "1G"}).update(
        amount=1300
    )
    (verdict,) = testbench.judge_all(draft)
    assert (verdict.red, verdict.differs) == (False, True)
    assert [(c.label, c.before, c.amount) for c in verdict.costs if c.difference] == [("Monthly", 1250, 1300)]


def test_an_offering_takes_its_specification_live(paula: User) -> None:
    specification = draft_of("dia_product", paula)
    offering = drafting.next_version(Offering, catalog.offering("dia").pk, by=paula)
    drafting.change(
        Offering, offering.pk, edition=offering.edition, values={"specification": specification}, by=paula
    )  # fmt: skip
    launching.to_testing(Offering, offering.pk, by=paula)
    with pytest.raises(drafting.Inconsistent, match="Bring it to testing first"):
        launching.activate(Offering, offering.pk, by=paula)
    launching.to_testing(Specification, specification.pk, by=paula)
    launching.activate(Offering, offering.pk, by=paula)
    assert Specification.objects.get(pk=specification.pk).state == "active"
    assert catalog.offering("dia").version == 2


def test_drafts_are_not_for_everybody(paula: User) -> None:
    draft_of("dia_product", paula)
    seen = Specification.objects.filter(key="dia_product")
    assert seen.visible_to(paula).count() == 2
    assert seen.visible_to(UserFactory(role="sales_agent")).count() == 1


def test_what_is_used_does_not_retire(paula: User) -> None:
    specification = Specification.objects.get(key="dia_product", state="active")
    with pytest.raises(Exception, match="cannot retire while it is used by Dedicated internet"):
        launching.retire(Specification, specification.pk, by=paula, reason="Old")


def test_sale_dates_are_kept(paula: User) -> None:
    Offering.objects.filter(key="dia").update(valid_until="2020-01-01")
    assert "dia" not in Offering.objects.on_sale().values_list("key", flat=True)


def test_a_matrix_and_a_discount_go_on_for_the_next_version(paula: User) -> None:
    old = catalog.offering("dia")
    matrix = PriceMatrix.objects.create(
        key="dia-term", name="Term", price_list=catalog.price_list(), offering=old, how="percent",
        rows={"by": ["term"], "heads": [["1.."]]}, columns={"by": [], "heads": [[]]}, cells=[["-10"]],
        starts_on="2026-01-01", published_at="2026-01-01T00:00Z",
    )  # fmt: skip
    lifecycle.move(matrix, PriceMatrix.publish, by=None)
    new = drafting.next_version(Offering, old.pk, by=paula)
    book = pricing.PriceBook.load(catalog.price_list(), {old.pk, new.pk})
    assert [[type(rule).__name__ for rule in book.adjustments[pk]].count("Grid") for pk in (old.pk, new.pk)] == [1, 1]
    only_new = drafting.next_version(Offering, catalog.offering("sip").pk, by=paula)
    PriceMatrix.objects.filter(pk=matrix.pk).update(offering=only_new)
    sip = catalog.offering("sip")
    book = pricing.PriceBook.load(catalog.price_list(), {sip.pk})
    assert all(type(rule).__name__ != "Grid" for rule in book.adjustments[sip.pk])

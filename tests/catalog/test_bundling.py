"""Bundles: cardinality, option groups and presets, refused where they do not fit."""

import pytest

from catalog import bundling
from catalog.models import BundleGroup, BundleItem, Category, Offering
from tests.factories import catalog

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


@pytest.fixture
def office() -> Offering:
    """An office: internet once, one of two protections, up to three telephone trunks."""
    shelf = Category.objects.get(key="connectivity")
    bundle = Offering.objects.create(key="office", kind="bundle", name="Office", category=shelf)
    group = BundleGroup.objects.create(bundle=bundle, key="guard", name="Protection")
    for position, (key, low, high, start, into, presets) in enumerate([
        ("dia", 1, 1, 1, None, {"bandwidth": "1G"}), ("firewall", 1, 1, 0, group, {}), ("sdwan", 1, 2, 0, group, {}),
        ("sip", 0, 3, 0, None, {}),
    ]):  # fmt: skip
        BundleItem.objects.create(
            bundle=bundle, member=catalog.offering(key), minimum=low, maximum=high, default=start, group=into,
            presets=presets, position=position,
        )  # fmt: skip
    return bundle


def test_the_standard_choice_fills_the_groups(office: Offering) -> None:
    assert bundling.standard(office) == {"dia": 1, "firewall": 1, "sdwan": 0, "sip": 0}
    made = bundling.expand(office)
    assert [(one.offering.key, one.quantity, one.group) for one in made] == [("dia", 1, ""), ("firewall", 1, "guard")]
    assert made[0].values == {"routing": "static", "diversity": False, "bandwidth": "1G"}
    assert made[0].fixed == {"bandwidth"}


def test_what_does_not_fit_is_said_at_its_member(office: Offering) -> None:
    with pytest.raises(bundling.BadBundle) as refused:
        bundling.expand(office, {"firewall": 1, "sdwan": 3, "sip": 4, "toaster": 1})
    assert refused.value.problems == {
        "dia": ["Dedicated internet belongs to it; take at least 1."], "sdwan": ["At most 2 of SD-WAN site."],
        "sip": ["At most 3 of SIP trunk."], "toaster": ["Office has no member “toaster”."],
        "group:guard": ["Only one of protection goes in; Managed firewall, SD-WAN site are chosen."],
    }  # fmt: skip


def test_a_group_wants_its_choice(office: Offering) -> None:
    assert bundling.problems(office, {"dia": 1}) == {"group:guard": ["Choose one of protection."]}


def test_a_bundle_in_itself_is_refused(office: Offering) -> None:
    BundleItem.objects.create(bundle=office, member=office)
    Offering.objects.filter(pk=office.pk).update(name="Office")
    with pytest.raises(bundling.BadBundle, match="contains itself"):
        bundling.expand(office)

"""Catalogue files: out and in again is the same; what changes becomes a version; wrong references are refused whole."""

import copy
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from catalog import drafting, launching, publication
from catalog.models import (
    BundleGroup,
    BundleItem,
    Category,
    Offering,
    PriceAdjustment,
    PriceEntry,
    Specification,
)
from kernel import lifecycle
from kernel.models import DecisionTable
from tests.factories import catalog
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]
Document = dict[str, Any]


def there_and_back() -> Document:
    return publication.read_text(publication.write_text(publication.dump()))


def entry(document: Document, section: str, key: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in document[section] if one["key"] == key)
    return found


def touched(document: Document, *, dry_run: bool = False) -> list[publication.Change]:
    return [c for c in publication.load(copy.deepcopy(document), None, dry_run=dry_run) if c.kind != "same"]


def bundle() -> None:
    shelf = Category.objects.get(key="connectivity")
    made = Offering.objects.create(key="office", kind="bundle", name="Office", category=shelf, state="active")
    group = BundleGroup.objects.create(bundle=made, key="guard", name="Protection")
    BundleItem.objects.create(bundle=made, member=catalog.offering("dia"), presets={"bandwidth": "1G"})
    BundleItem.objects.create(bundle=made, member=catalog.offering("firewall"), group=group, default=0, position=1)


def test_out_and_in_again_changes_nothing() -> None:
    bundle()
    first = there_and_back()
    assert touched(first) == []
    assert there_and_back() == first


def test_a_changed_characteristic_becomes_the_next_version() -> None:
    document = there_and_back()
    dia = entry(document, "specifications", "dia_product")
    del dia["version"]
    dia["characteristics"][0]["choices"].append("40G")
    (change,) = [c for c in touched(document, dry_run=True) if c.section == "specifications"]
    assert (change.name, change.kind) == ("dia_product version 2", "changed")
    assert list(change.fields) == ["bandwidth choices"]
    assert not Specification.objects.filter(key="dia_product", version=2).exists()
    touched(document)
    new = Specification.objects.get(key="dia_product", state="active")
    assert new.version == 2
    assert Specification.objects.get(key="dia_product", version=1).state == "retired"
    offering = catalog.offering("dia")
    assert (offering.version, offering.specification_id) == (2, new.pk)
    assert PriceEntry.objects.filter(offering=offering).count() == 10
    assert touched(there_and_back()) == []


def test_words_change_without_a_version() -> None:
    document = there_and_back()
    dia = entry(document, "specifications", "dia_product")
    dia["characteristics"][0]["choices"][0] = {"value": "100M", "label": "100 Mbit/s"}
    (change,) = touched(document)
    assert list(change.fields) == ["bandwidth labels"]
    assert Specification.objects.filter(key="dia_product").count() == 1


def test_an_untouched_export_says_nothing_after_versions_went_live_and_things_were_retired() -> None:
    by = UserFactory(role="product_manager")
    specification = Specification.objects.get(key="dia_product", state="active")
    made = drafting.next_version(Specification, specification.pk, by=by)
    launching.bring_into_force(made, by)  # offerings are still sold by the version before
    first = there_and_back()
    assert entry(first, "offerings", "dia")["specification_version"] == 1
    assert touched(first) == []
    assert catalog.offering("dia").specification == specification

    del entry(first, "offerings", "dia")["specification_version"]
    (moved,) = touched(first, dry_run=True)
    assert (moved.section, moved.name) == ("offerings", "dia version 2")

    lost = catalog.offering("firewall")
    rule = PriceAdjustment.objects.filter(offerings=lost).first() or PriceAdjustment.objects.earliest("pk")
    rule.offerings.add(lost)
    lifecycle.move(Offering.objects.locked(lost.pk), Offering.retire, by=by)
    assert touched(there_and_back()) == []
    assert lost in rule.offerings.all()


def refused(document: Document) -> dict[str, list[str]]:
    before = there_and_back()
    with pytest.raises(publication.ImportRefused) as error:
        publication.load(copy.deepcopy(document), None)
    assert there_and_back() == before
    return error.value.problems


def test_a_numbered_version_that_is_active_stays() -> None:
    document = there_and_back()
    entry(document, "specifications", "dia_product")["characteristics"][0]["required"] = False
    ((place, texts),) = refused(document).items()
    assert place.endswith("dia_product version")
    assert "Give the change version 2" in texts[0]


def test_a_file_renews_the_table_in_force_and_touches_no_version_before_it() -> None:
    rows = [{"distance": "> 5", "result": "'off_net'"}]
    sheet = {"key": "reach", "title": "Reach", "hit": "first", "inputs": ["distance"], "outputs": ["result"]}
    publication.load({"decision_tables": [{**sheet, "rows": rows}]}, None)
    DecisionTable.objects.filter(key="reach").update(state="retired")
    edited = [{"_id": "a1", "distance": "> 9", "result": "'off_net'"}]
    columns = {"inputs": [{"name": "distance"}], "outputs": [{"name": "result"}]}
    DecisionTable.objects.create(**{**sheet, **columns}, rows=edited, version=2)  # published by a person since

    same = [{key: text for key, text in edited[0].items() if key != "_id"}]
    assert touched({"decision_tables": [{**sheet, "rows": same}]}) == []
    (change,) = touched({"decision_tables": [{**sheet, "version": 1, "rows": rows}]})
    assert (change.name, change.kind, list(change.fields)) == ("reach 3", "changed", ["rows"])
    states = DecisionTable.objects.filter(key="reach").order_by("version").values_list("version", "state")
    assert list(states) == [(1, "retired"), (2, "retired"), (3, "active")]
    assert DecisionTable.objects.get(key="reach", version=2).rows == edited


@pytest.mark.parametrize(("section", "key", "changes", "said"), [
    ("offerings", "dia", {"specification": "nothing"}, "specification “nothing”"),
    ("offerings", "dia", {"category": "nowhere"}, "category “nowhere”"),
    ("offerings", "dia", {"colour": "red"}, "no such field"),
    ("specifications", "dia_product", {"conditions": "no_table"}, "no decision table “no_table”"),
    ("specifications", "dia_product", {"characteristics": [{"key": "x", "shown_when": "y == 1"}]}, "“y”"),
])  # fmt: skip
def test_a_dangling_reference_is_refused_at_its_place(section: str, key: str, changes: Document, said: str) -> None:
    document = there_and_back()
    found = entry(document, section, key)
    found |= changes
    del found["version"]
    problems = refused(document)
    assert all(place.startswith(section) and key in place for place in problems)
    assert said in " ".join(text for texts in problems.values() for text in texts)


def test_a_bundle_in_a_circle_is_refused() -> None:
    bundle()
    document = there_and_back()
    office = entry(document, "offerings", "office")
    del office["version"]
    office["items"].append({"offering": "office"})
    assert "circle" in str(refused(document))


@pytest.mark.parametrize("text", ["a: [", "- 1", "a: &x [*x, *x]", "!!python/object:os.system {}"])
def test_what_is_no_catalogue_is_refused(text: str) -> None:
    with pytest.raises(publication.ImportRefused):
        publication.load(publication.read_text(text), None)


def test_the_browser_shows_the_differences_first() -> None:
    browser = Client()
    browser.force_login(UserFactory(role="product_manager"))
    address = reverse("catalog:exchange")
    document = there_and_back()
    entry(document, "offerings", "dia")["name"] = "Internet, dedicated"
    text = publication.write_text(document)
    looked = browser.post(address, {"text": text}).content.decode()
    assert "Dedicated internet → Internet, dedicated" in looked
    assert catalog.offering("dia").name == "Dedicated internet"
    assert browser.post(address, {"text": text, "apply": "1"}).status_code == 302
    assert catalog.offering("dia").name == "Internet, dedicated"
    wrong = browser.post(address, {"text": "offerings: [{key: x, category: nowhere}]"})
    assert wrong.status_code == 422
    assert "offerings[0] x" in wrong.content.decode()
    assert b"offerings:" in browser.get(reverse("catalog:export"), {"section": "offerings"}).content


def test_the_command_tries_samples(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("catalogue", "bench", "--json")
    assert capsys.readouterr().out.strip() == "[]"

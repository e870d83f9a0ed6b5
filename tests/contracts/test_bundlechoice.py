"""Bundles in quotes: options and choices by their cardinality, members in step with their bundle, copied to sites."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from catalog.bundling import BadBundle
from catalog.models import BundleGroup, BundleItem, Offering
from contracts import bundlechoice, quotecompleteness, quoting
from contracts.models import Quote, QuoteLine
from kernel.refusal import Refusal
from tests.factories import catalog
from tests.factories import contracts_quotes as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def bundle() -> Offering:
    """Internet with 500M fixed, one of two protections, up to two voice lines."""
    made = Offering.objects.create(
        key="branch", name="Secure branch", short_name="Branch", kind="bundle", state="active", sellable=True,
        needs_site=True, category=catalog.offering("dia").category,
    )  # fmt: skip
    group = BundleGroup.objects.create(bundle=made, key="protection", name="Protection")
    rows: list[tuple[str, dict[str, Any]]] = [
        ("dia", {"presets": {"bandwidth": "500M"}}), ("firewall", {"group": group, "position": 1}),
        ("sdwan", {"group": group, "default": 0, "position": 2}),
        ("sip", {"minimum": 0, "maximum": 2, "default": 0, "position": 3}),
    ]  # fmt: skip
    for key, values in rows:
        BundleItem.objects.create(bundle=made, member=catalog.offering(key), **values)
    return made


def placed(bundle: Offering, sites: int = 1) -> tuple[Quote, QuoteLine, list[Any]]:
    account, places = make.customer(sites)
    quote = make.quote(account)
    lines, _ = quoting.add_lines(quote_id=quote.pk, offering_id=bundle.pk, site_ids=[places[0].pk], by=None)
    return Quote.objects.get(pk=quote.pk), lines[0], places


def members(line: QuoteLine) -> dict[str, int]:
    rows = QuoteLine.objects.filter(parent=line).select_related("offering")
    return {row.offering.key: row.quantity for row in rows}


def url(line: QuoteLine, name: str) -> str:
    return reverse(f"contracts:{name}", args=[line.quote.number, line.quote.version, line.pk])


def test_a_choice_is_kept_member_by_member_and_priced(bundle: Offering) -> None:
    quote, line, _ = placed(bundle)
    assert members(line) == {"dia": 1, "firewall": 1}
    dia = QuoteLine.objects.get(parent=line, offering__key="dia")
    quoting.configure(line_id=dia.pk, values={**dia.characteristics, "routing": "BGP"}, by=None)
    before = Quote.objects.get(pk=quote.pk).monthly
    done = bundlechoice.choose(line_id=line.pk, chosen={"dia": 1, "sdwan": 1, "sip": 2}, edition=line.edition, by=None)
    assert members(line) == {"dia": 1, "sdwan": 1, "sip": 2}
    assert QuoteLine.objects.get(pk=dia.pk).characteristics["routing"] == "BGP"
    after = Quote.objects.get(pk=quote.pk).monthly
    assert after == sum(row.monthly for row in QuoteLine.objects.filter(quote=quote))
    assert after != before
    with pytest.raises(quoting.EditedMeanwhile):
        bundlechoice.choose(line_id=line.pk, chosen={"dia": 1, "firewall": 1}, edition=line.edition, by=None)
    included, protection = bundlechoice.offered(done)
    assert [(one.key, one.quantity, one.settled) for one in included.choices] == [("dia", 1, True), ("sip", 2, False)]
    assert (protection.single, [one.quantity for one in protection.choices]) == (True, [0, 1])
    assert not [p for p in quotecompleteness.problems(Quote.objects.get(pk=quote.pk)) if p.kind == "price"]


@pytest.mark.parametrize(
    ("chosen", "place", "says"),
    [
        ({"dia": 1}, "group:protection", "Choose one of protection"),
        ({"dia": 1, "firewall": 1, "sdwan": 1}, "group:protection", "Only one of protection"),
        ({"dia": 1, "firewall": 1, "sip": 3}, "sip", "At most 2"),
        ({"firewall": 1}, "dia", "belongs to it"),
        ({"dia": 1, "firewall": 1, "mpls": 1}, "mpls", "has no member"),
    ],
)
def test_a_choice_that_does_not_fit_stores_nothing(
    bundle: Offering, chosen: dict[str, int], place: str, says: str
) -> None:
    _, line, _ = placed(bundle)
    with pytest.raises(BadBundle) as refused:
        bundlechoice.choose(line_id=line.pk, chosen=chosen, edition=line.edition, by=None)
    assert says in refused.value.problems[place][0]
    assert members(line) == {"dia": 1, "firewall": 1}


def test_members_follow_their_bundle_and_keep_what_it_fixes(bundle: Offering) -> None:
    quote, line, _ = placed(bundle)
    quoting.configure(line_id=line.pk, values={}, quantity=3, fields={"term_months": 12}, by=None)
    assert members(line) == {"dia": 3, "firewall": 3}
    dia = QuoteLine.objects.get(parent=line, offering__key="dia")
    assert dia.term_months == 12
    made = Quote.objects.get(pk=quote.pk)
    assert made.over_term == made.monthly * 12
    assert made.terms_differ
    with pytest.raises(Refusal) as refused:
        quoting.configure(line_id=dia.pk, values={**dia.characteristics, "bandwidth": "10G"}, by=None)
    assert list(refused.value.problems) == ["bandwidth"]


def test_a_bundle_is_copied_with_its_members(bundle: Offering) -> None:
    quote, line, places = placed(bundle, sites=3)
    quoting.add_lines(quote_id=quote.pk, offering_id=bundle.pk, site_ids=[places[1].pk], by=None)
    there = QuoteLine.objects.get(quote=quote, site=places[1], parent=None)
    kept = QuoteLine.objects.get(parent=there, offering__key="dia").key
    bundlechoice.choose(line_id=line.pk, chosen={"dia": 1, "sdwan": 1, "sip": 1}, edition=line.edition, by=None)
    dia = QuoteLine.objects.get(parent=line, offering__key="dia")
    quoting.configure(line_id=dia.pk, values={**dia.characteristics, "routing": "BGP"}, by=None)
    done, refused = quoting.copy_to_sites(line_id=line.pk, site_ids=[one.pk for one in places], by=None)
    assert (len(done), refused) == (2, [])
    for top in QuoteLine.objects.filter(quote=quote, parent=None):
        assert members(top) == {"dia": 1, "sdwan": 1, "sip": 1}
        copy = QuoteLine.objects.get(parent=top, offering__key="dia")
        assert (copy.characteristics["routing"], bool(copy.feasibility_id)) == ("BGP", True)
    assert QuoteLine.objects.get(parent=there, offering__key="dia").key == kept


def test_the_panel_shows_the_choice_and_says_what_does_not_fit(bundle: Offering) -> None:
    quote, line, _ = placed(bundle)
    client = Client()
    client.force_login(make.seller())
    said = client.get(url(line, "quote_line"), headers=HTMX).text
    assert "Choose one" in said
    assert "0 to 2" in said
    data = {"edition": str(line.edition), "m-dia": "1", "g-protection": "firewall", "m-sip": "7"}
    refused = client.post(url(line, "quote_members"), data, headers=HTMX)
    assert refused.status_code == 422
    assert "At most 2" in refused.text
    assert 'value="7"' in refused.text
    kept = client.post(url(line, "quote_members"), data | {"m-sip": "2", "g-protection": "sdwan"}, headers=HTMX)
    assert kept.status_code == 200
    assert members(line) == {"dia": 1, "sdwan": 1, "sip": 2}
    assert 'id="totals"' in kept.text
    dia = QuoteLine.objects.get(parent=line, offering__key="dia")
    assert "Set by the bundle" in client.get(url(dia, "quote_line"), headers=HTMX).text
    line = QuoteLine.objects.get(pk=line.pk)
    assert quote.get_absolute_url() in client.post(url(line, "quote_members"), data | {
        "edition": str(line.edition), "m-sip": "0"})["Location"]  # fmt: skip

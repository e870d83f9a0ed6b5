"""Versions: lines keep their keys, differences are told line by line, old versions step back or expire."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contracts import presenting, quoteapproval, quotepricing, quoteversions, quoting, tasks
from contracts.models import Quote, QuoteLine
from contracts.quoteversions import NoNewVersion
from kernel import lifecycle
from kernel.models import ApprovalRequest
from tests.factories import contracts_quotes as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


def test_the_next_version_has_the_same_keys() -> None:
    quote = make.approved()
    second = quoteversions.new_version(quote_id=quote.pk, by=None, wish="More bandwidth in Rotterdam")
    assert (second.number, second.version, second.state, second.wish) == (
        quote.number,
        2,
        "draft",
        "More bandwidth in Rotterdam",
    )
    assert set(second.lines.values_list("key", flat=True)) == set(quote.lines.values_list("key", flat=True))
    assert second.monthly == quote.monthly
    assert Quote.objects.get(pk=quote.pk).state == "approved"


def test_one_draft_at_a_time() -> None:
    quote = make.approved()
    quoteversions.new_version(quote_id=quote.pk, by=None)
    with pytest.raises(NoNewVersion, match="v2 is being drafted"):
        quoteversions.new_version(quote_id=quote.pk, by=None)


def test_an_accepted_quote_has_no_next_version() -> None:
    quote = make.approved()
    for step in (Quote.present, Quote.accept):
        lifecycle.move(quote, step, by=None)
    with pytest.raises(NoNewVersion, match="was accepted"):
        quoteversions.new_version(quote_id=quote.pk, by=None)


def test_two_versions_line_by_line() -> None:
    quote = make.approved(sites=3)
    second = quoteversions.new_version(quote_id=quote.pk, by=None)
    first, other, last = second.lines.order_by("position")
    quoting.configure(line_id=first.pk, values={**first.characteristics, "bandwidth": "500M"}, by=None)
    quoting.remove_lines(quote_id=second.pk, line_ids=[last.pk], by=None)
    assert other.site is not None
    make.line(second, other.site, "sdwan", size="S")
    compared = quoteversions.compare(quote, Quote.objects.get(pk=second.pk))
    assert [(one.kind, one.fields) for one in compared.lines] == [
        ("changed", {"bandwidth": ("1G", "500M")}), ("same", {}), ("added", {}), ("removed", {}),
    ]  # fmt: skip
    assert compared.lines[0].monthly == Decimal("-300.00")
    assert compared.prices_changed == 3


def test_older_versions_step_back() -> None:
    quote = make.approved()
    lifecycle.move(quote, Quote.present, by=None)
    second = quoteversions.new_version(quote_id=quote.pk, by=None)
    quoteapproval.submit(quote_id=second.pk, by=make.seller())
    assert quoteversions.supersede_older(quote_id=second.pk, by=None) == [quote.pk]
    assert Quote.objects.get(pk=quote.pk).state == "superseded"


def test_what_is_over_expires_and_its_round_with_it() -> None:
    by = make.seller()
    late, _ = make.filled(by=by, discount=17)
    quoteapproval.submit(quote_id=late.pk, by=by)
    fresh = make.approved()
    tomorrow = timezone.localdate() + dt.timedelta(days=31)
    Quote.objects.filter(pk=fresh.pk).update(valid_until=tomorrow)
    assert tasks.expire_quotes() == 0
    assert quoteversions.expire(today=tomorrow) == [late.pk]
    assert Quote.objects.get(pk=late.pk).state == "expired"
    assert ApprovalRequest.objects.get(subject_id=late.pk).state == "void"
    assert Quote.objects.get(pk=fresh.pk).state == "approved"


@pytest.mark.slow
def test_repricing_asks_as_often_for_many_lines_as_for_few(django_assert_max_num_queries: Any) -> None:
    for sites in (2, 30):
        quote, _ = make.filled(sites=sites)
        with django_assert_max_num_queries(22):
            quotepricing.reprice(quote_id=quote.pk)


def test_an_alternative_stands_beside_its_quote_until_one_is_accepted() -> None:
    quote = make.approved()
    other = quoteversions.alternative(quote_id=quote.pk, title="Slower and cheaper", by=make.seller())
    third = quoteversions.alternative(quote_id=other.pk, title="", by=make.seller())
    assert other.number != quote.number
    assert {other.alternative_of, third.alternative_of} == {quote.number}
    assert [one.number for one in quoteversions.alternatives_of(third)] == [quote.number, other.number, third.number]
    assert set(presenting.rivals(other)) == {quote, third}
    line = QuoteLine.objects.filter(quote=other).order_by("position").first()
    assert line is not None
    quoting.configure(line_id=line.pk, values=line.characteristics | {"bandwidth": "100M"}, by=None)
    found = quoteversions.compare(quote, Quote.objects.get(pk=other.pk))
    (changed,) = [one for one in found.lines if one.fields]
    assert changed.fields["bandwidth"] == ("1G", "100M")
    assert [label for label, was, now in changed.charges if was > now]
    client = Client()
    client.force_login(make.seller())
    side = client.get(reverse("contracts:quote_alternatives", args=[quote.number, 1])).content.decode()
    assert "Slower and cheaper" in side
    compared = client.get(reverse("contracts:quote_compare", args=[quote.number, 1, 1]) + f"?of={other.number}")
    assert "100M" in compared.content.decode()
    stranger = make.quote()
    refused = client.get(reverse("contracts:quote_compare", args=[quote.number, 1, 1]) + f"?of={stranger.number}")
    assert refused.status_code == 404

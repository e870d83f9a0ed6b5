"""Versions: lines keep their keys, differences are told line by line, old versions step back or expire."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from contracts import quoteapproval, quotepricing, quoteversions, quoting, tasks
from contracts.models import Quote
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

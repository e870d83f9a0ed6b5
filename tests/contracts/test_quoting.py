"""Quoting: what may be opened, added, configured, copied and discounted, and what is refused with which words."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import InternalError, transaction
from django.db.utils import IntegrityError

from contracts import quoteapproval, quoting
from contracts.models import LinePrice, Quote, QuoteLine
from contracts.quoting import EditedMeanwhile, Frozen, NotQuotable
from crm import pipeline
from kernel.lifecycle import IllegalMove
from kernel.models import AuditEntry
from kernel.refusal import Refusal
from tests.factories import catalog
from tests.factories import contracts_quotes as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


def test_an_opportunity_and_an_agreement_open_a_quote() -> None:
    account, _ = make.customer()
    wanted, agreed, by = make.opportunity(account), make.agreement(account), make.seller()
    made = quoting.create(opportunity_id=wanted.pk, agreement_id=agreed.pk, by=by)
    assert (made.number[:3], made.version, made.state) == ("QUO", 1, "draft")
    assert (made.account, made.price_list.key, made.term_months, made.owner) == (account, "eur-test", 36, by)
    assert made.title == wanted.name


def test_a_foreign_or_dead_agreement_is_refused() -> None:
    account, other = make.customer()[0], make.customer()[0]
    agreed = make.agreement(other)
    with pytest.raises(NotQuotable, match="another customer"):
        quoting.create(account_id=account.pk, agreement_id=agreed.pk, by=None)


def test_a_closed_opportunity_is_refused() -> None:
    account, _ = make.customer()
    wanted = make.opportunity(account)
    pipeline.lose(opportunity_id=wanted.pk, because="Too dear", by=None)
    with pytest.raises(NotQuotable, match="reopen"):
        quoting.create(opportunity_id=wanted.pk, by=None)


def test_no_price_list_for_the_currency_is_said() -> None:
    account, _ = make.customer()
    account.currency = "USD"
    account.save()
    with pytest.raises(NotQuotable, match="no price list in USD"):
        quoting.create(account_id=account.pk, by=None)


def test_lines_are_checked_and_priced_at_once() -> None:
    quote, lines = make.filled(sites=2)
    assert [line.feasibility.result for line in lines if line.feasibility] == ["on_net", "on_net"]
    assert quote.monthly == Decimal("1875.00")  # 2 × 1,250 − 25 %
    assert quote.monthly_list == Decimal("2500.00")
    assert quote.monthly_cost == Decimal("860.00")
    assert quote.one_time == 0
    assert LinePrice.objects.filter(line__quote=quote).count() == 4


def test_a_far_site_brings_its_build_cost_and_time() -> None:
    account, _ = make.customer(0)
    far = make.site(account.children.get(), make.FAR)
    quote = make.quote(account)
    line = make.line(quote, far, bandwidth="100M")
    assert line.feasibility is not None
    assert (line.feasibility.result, line.feasibility.lead_days) == ("off_net", 75)
    assert line.one_time == line.feasibility.build_cost > 40_000
    assert line.one_time_cost >= line.feasibility.build_cost


def test_another_bandwidth_is_checked_again_and_alternatives_are_told() -> None:
    account, _ = make.customer(0)
    quote = make.quote(account)
    line = make.line(quote, make.site(account.children.get(), make.PARTNER), bandwidth="500M")
    first = line.feasibility_id
    changed = quoting.configure(line_id=line.pk, values={"bandwidth": "1G", "routing": "static"}, by=None)
    assert changed.feasibility_id != first
    assert changed.feasibility is not None
    assert changed.feasibility.result == "impossible"
    assert changed.feasibility.reason == "The line carries 500M at most."
    assert [one["bandwidth"] for one in changed.feasibility.alternatives] == ["100M", "500M"]


def test_sites_that_cannot_have_it_are_refused_one_by_one() -> None:
    account, (first, second) = make.customer(2)
    swiss = make.site(account.children.get(), country="CH", postcode="8001", city="Zürich")
    foreign = make.customer(1)[1][0]
    quote = make.quote(account)
    make.line(quote, first, "sip")
    made, refused = quoting.add_lines(
        quote_id=quote.pk, offering_id=catalog.offering("sip").pk,
        site_ids=[first.pk, second.pk, swiss.pk, foreign.pk], by=None,
    )  # fmt: skip
    assert [line.site for line in made] == [second]
    assert {one.site_id: one.reason for one in refused} == {
        first.pk: "It has SIP trunk already.",
        swiss.pk: "Voice is not sold in Switzerland.",
        foreign.pk: "It is not a site of this customer.",
    }


def test_an_offering_without_a_site_is_one_line() -> None:
    quote = make.quote()
    made, _ = quoting.add_lines(quote_id=quote.pk, offering_id=catalog.offering("mobile").pk, by=None)
    assert [line.site_id for line in made] == [None]
    with pytest.raises(NotQuotable, match="already"):
        quoting.add_lines(quote_id=quote.pk, offering_id=catalog.offering("mobile").pk, by=None)


def test_wrong_values_are_kept_with_their_problem() -> None:
    _, (line, _other) = make.filled()
    changed = quoting.configure(line_id=line.pk, values={"bandwidth": "1G", "routing": "BGP"}, by=None)
    assert changed.problems == {"customer_asn": ["Enter the AS number."]}
    assert changed.characteristics["routing"] == "BGP"


def test_the_second_editor_is_told_what_differs() -> None:
    _, (line, _other) = make.filled()
    quoting.configure(line_id=line.pk, values={"bandwidth": "500M", "routing": "static"}, edition=1, by=None)
    with pytest.raises(EditedMeanwhile) as told:
        quoting.configure(line_id=line.pk, values={"bandwidth": "10G", "routing": "static"}, edition=1, by=None)
    assert told.value.problems == {"bandwidth": ["It says 500M now, and 10G here."]}
    same = {"bandwidth": "500M", "routing": "static"}
    quoting.configure(line_id=line.pk, values=same, edition=2, by=None, quantity=3)
    with pytest.raises(EditedMeanwhile) as told:
        quoting.configure(line_id=line.pk, values=same, edition=2, by=None, quantity=5)
    assert told.value.problems == {"quantity": ["It says 3 now, and 5 here."]}
    assert QuoteLine.objects.get(pk=line.pk).characteristics["bandwidth"] == "500M"


def test_one_line_is_priced_without_the_others(django_assert_max_num_queries: Any) -> None:
    _, lines = make.filled(sites=3)
    with django_assert_max_num_queries(36):
        quoting.configure(line_id=lines[0].pk, values={"bandwidth": "500M", "routing": "static"}, by=None)
    quote = Quote.objects.get(pk=lines[0].quote_id)
    assert quote.monthly == Decimal("637.50") + 2 * Decimal("937.50")


def test_a_configuration_is_copied_to_sites() -> None:
    account, sites = make.customer(4)
    quote = make.quote(account)
    line = make.line(quote, sites[0], bandwidth="10G")
    other = make.line(quote, sites[1], bandwidth="100M")
    foreign = make.customer(1)[1][0]
    done, refused = quoting.copy_to_sites(line_id=line.pk, site_ids=[sites[1].pk, sites[2].pk, foreign.pk], by=None)
    assert {one.site_id for one in done} == {sites[1].pk, sites[2].pk}
    assert [one.site_id for one in refused] == [foreign.pk]
    assert QuoteLine.objects.get(pk=other.pk).characteristics["bandwidth"] == "10G"
    assert Quote.objects.get(pk=quote.pk).monthly == 3 * Decimal("3150.00")


def test_ten_sites_bring_the_volume_price_to_all() -> None:
    quote, lines = make.filled(sites=10)
    assert quote.monthly == 10 * Decimal("890.63")
    quoting.remove_lines(quote_id=quote.pk, line_ids=[lines[0].pk], by=None)
    assert Quote.objects.get(pk=quote.pk).monthly == 9 * Decimal("937.50")


def test_discounts_of_the_quote_and_of_a_line() -> None:
    quote, lines = make.filled(discount=10)
    assert quote.monthly == 2 * Decimal("843.75")
    assert quote.monthly_agreed == Decimal("1875.00")
    quoting.set_discount(quote_id=quote.pk, percent=Decimal(0), line_ids=[lines[0].pk], by=None)
    assert Quote.objects.get(pk=quote.pk).monthly == Decimal("843.75") + Decimal("937.50")
    with pytest.raises(Refusal, match="between 0 and 100"):
        quoting.set_discount(quote_id=quote.pk, percent=Decimal("100.01"), by=None)
    with pytest.raises(Refusal):
        quoting.set_discount(quote_id=quote.pk, percent=Decimal("NaN"), by=None)


def test_the_agreement_lowers_the_price() -> None:
    account, (place, _other) = make.customer()
    quote = make.quote(account, agreement_id=make.agreement(account).pk)
    assert make.line(quote, place).monthly == Decimal("843.75")


def test_terms_reprice_and_are_refused_at_their_fields() -> None:
    quote, _ = make.filled()
    assert quoting.set_terms(quote_id=quote.pk, term_months=12, by=None).monthly == Decimal("2500.00")
    with pytest.raises(Refusal) as told:
        quoting.set_terms(quote_id=quote.pk, term_months=0, valid_until=dt.date(2020, 1, 1), by=None)
    assert set(told.value.problems) == {"term_months", "valid_until"}


def test_a_submitted_version_is_frozen_by_the_acts_and_by_the_database() -> None:
    quote = make.approved()
    line = quote.lines.first()
    assert line is not None
    with pytest.raises(Frozen):
        quoting.configure(line_id=line.pk, values={}, by=None)
    with pytest.raises(Frozen):
        quoting.set_discount(quote_id=quote.pk, percent=Decimal(5), by=None)
    for change in (
        lambda: QuoteLine.objects.filter(pk=line.pk).update(quantity=9),
        lambda: LinePrice.objects.filter(line=line).update(amount=1),
        lambda: LinePrice.objects.filter(line=line).delete(),
    ):
        with pytest.raises((IntegrityError, InternalError), match="does not change"), transaction.atomic():
            change()


def test_cancelling_wants_a_reason_and_is_written_down() -> None:
    quote, _ = make.filled()
    by = make.seller()
    with pytest.raises(Refusal):
        quoting.cancel(quote_id=quote.pk, by=by, reason=" ")
    assert quoting.cancel(quote_id=quote.pk, by=by, reason="Project stopped").state == "cancelled"
    assert AuditEntry.objects.filter(action="cancel", reason="Project stopped", actor=by).exists()
    with pytest.raises(IllegalMove):
        quoteapproval.submit(quote_id=quote.pk, by=by)

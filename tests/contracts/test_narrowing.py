"""Narrowing: what will not be delivered leaves its service contract before that comes into force, and only there."""

from decimal import Decimal

import pytest

from catalog.models import Category, Offering
from contracts import narrowing, quoteapproval
from contracts.models import Contract, Entitlement, Quote, QuoteLine
from kernel import lifecycle
from kernel.models import AuditEntry
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def extra_care() -> Offering:
    """An entitlement that only the firewall brings."""
    care = Offering.objects.create(
        key="shield", name="Shield watch", kind=Offering.Kind.ENTITLEMENT,
        category=Category.objects.get(key="connectivity"),
    )  # fmt: skip
    lifecycle.move(care, Offering.to_testing, by=None)
    lifecycle.move(care, Offering.activate, by=None)
    return care


def signed(*keys: str, sites: int = 1) -> Quote:
    """An accepted quote with a line of each offering at each site."""
    quotes.point_of_presence()
    agreement, by = make.in_force(), quotes.seller()
    make.entitle()
    made = quotes.quote(agreement.account, by=by, agreement_id=agreement.pk)
    for _ in range(sites):
        place = quotes.site(agreement.account)
        for key in keys:
            quotes.line(made, place, key)
    return make.accepted(quoteapproval.submit(quote_id=made.pk, by=by))


def service(quote: Quote) -> list[Contract]:
    return list(Contract.objects.filter(quote=quote, kind="service").order_by("pk"))


def test_a_contract_loses_the_line_its_price_and_what_only_that_line_brought() -> None:
    care = extra_care()
    other = Offering.objects.exclude(key="dia").filter(kind="product", state="active", sellable=True).first()
    assert other
    other.entitled_to.add(care)
    quote = signed("dia", other.key)
    (contract,) = service(quote)
    gone = QuoteLine.objects.get(quote=quote, offering=other)
    kept = contract.lines.exclude(quote_line=gone).get()
    assert {e.offering_id for e in contract.entitlements.all()} >= {care.pk}
    by = UserFactory(role="fallout_manager")
    assert narrowing.leave_out(quote_line_ids=[gone.pk], by=by, reason="No power at the site") == [contract.pk]
    now = Contract.objects.get(pk=contract.pk)
    assert (now.state, now.monthly, now.one_time) == ("pending_signature", kept.monthly, kept.one_time)
    assert now.monthly < contract.monthly or gone.monthly == Decimal(0)
    assert [line.quote_line_id for line in now.lines.all()] == [kept.quote_line_id]
    assert not Entitlement.objects.filter(contract=now, offering=care).exists()
    assert Entitlement.objects.filter(contract=now).exists()
    entry = AuditEntry.objects.get(action="narrowed", subject_id=contract.pk)
    assert (entry.reason, entry.actor) == ("No power at the site", by)


def test_a_contract_that_keeps_nothing_is_cancelled_and_the_others_stay_as_they_are() -> None:
    quote = signed("dia", sites=2)
    first, second = service(quote)
    sales = Contract.objects.get(quote=quote, kind="sales")
    line = first.lines.get().quote_line_id
    assert narrowing.leave_out(quote_line_ids=[line], by=None, reason="Withdrawn") == [first.pk]
    assert Contract.objects.get(pk=first.pk).state == "cancelled"
    assert Contract.objects.get(pk=second.pk).monthly == second.monthly
    kept = Contract.objects.get(pk=sales.pk)
    assert (kept.state, kept.monthly, kept.lines.count()) == ("active", sales.monthly, 2)


def test_what_is_in_force_or_unknown_is_left_alone_and_again_changes_nothing() -> None:
    quote = signed("dia", sites=2)
    first, second = service(quote)
    running = first.lines.get().quote_line_id
    lifecycle.move_many(Contract.objects.filter(pk=first.pk), Contract.activate, by=None)
    assert narrowing.leave_out(quote_line_ids=[running], by=None, reason="x") == []
    assert narrowing.leave_out(quote_line_ids=[], by=None, reason="x") == []
    gone = second.lines.get().quote_line_id
    assert narrowing.leave_out(quote_line_ids=[gone], by=None, reason="x") == [second.pk]
    assert narrowing.leave_out(quote_line_ids=[gone], by=None, reason="x") == []

"""Renewing and amending: quotes straight from a contract, what follows a term, and what a signed change does."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from contracts import amending, basis, ending, periods, quoteapproval, quoting, renewing
from contracts.models import Contract, ContractAmendment, Entitlement, Quote
from kernel.refusal import Conflict, NotPermitted, Refusal
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def _signed(quote: Quote) -> Quote:
    """Submitted, agreed by whoever is asked, presented and signed."""
    quoteapproval.submit(quote_id=quote.pk, by=quotes.seller())
    for step in quoteapproval.steps_of(quote):
        quoteapproval.decide(step_id=step.pk, by=UserFactory(role=step.role), approve=True)
    return make.accepted(Quote.objects.get(pk=quote.pk))


def test_a_quote_starts_from_a_contract_with_its_terms_and_lines() -> None:
    contract, by = make.live(sites=2), quotes.seller()
    more = basis.start(contract_id=contract.pk, purpose="new", by=by)
    assert (more.basis, more.agreement, more.term_months, more.lines.count()) == (
        contract, contract.agreement, contract.term_months, 0,
    )  # fmt: skip
    change = basis.start(contract_id=contract.service_contracts.first().pk, purpose="amendment", by=by)
    assert (change.basis, change.purpose, change.lines.count()) == (contract, "amendment", 2)
    assert {line.key for line in change.lines.all()} == {line.quote_line.key for line in contract.lines.all()}
    assert (change.monthly, change.one_time) == (contract.monthly, Decimal(0))
    with pytest.raises(Conflict, match="already"):
        basis.start(contract_id=contract.pk, purpose="renewal", by=by)
    with pytest.raises(NotPermitted):
        basis.start(contract_id=contract.pk, purpose="new", by=UserFactory(role="finance"))
    with pytest.raises(Refusal):
        basis.start(contract_id=contract.pk, purpose="gift", by=by)


def test_a_change_keeps_prices_of_what_it_leaves_alone() -> None:
    contract, by = make.live(sites=2), quotes.seller()
    change = basis.start(contract_id=contract.pk, purpose="amendment", by=by)
    quoting.set_discount(quote_id=change.pk, percent=Decimal(5), by=by)
    first, second = change.lines.order_by("position")
    assert first.monthly == second.monthly == contract.monthly / 2
    quoting.configure(line_id=first.pk, values=first.characteristics | {"bandwidth": "500M"}, by=by)
    first, second = change.lines.order_by("position")
    assert first.monthly != second.monthly == contract.monthly / 2


def test_a_signed_change_amends_the_contract() -> None:
    contract, by = make.live(sites=3), quotes.seller()
    kept, faster, gone = contract.service_contracts.order_by("number")
    change = basis.start(contract_id=contract.pk, purpose="amendment", by=by)
    place = quotes.site(contract.account.children.get())
    line = change.lines.get(site=faster.site)
    quoting.configure(line_id=line.pk, values=line.characteristics | {"bandwidth": "500M"}, by=by)
    quoting.remove_lines(quote_id=change.pk, line_ids=[change.lines.get(site=gone.site).pk], by=by)
    quotes.line(change, place)
    change = _signed(Quote.objects.get(pk=change.pk))
    made = ContractAmendment.objects.get(contract=contract)
    after = Contract.objects.get(pk=contract.pk)
    assert [(d["kind"], d["site"]) for d in made.differences] == [
        ("changed", str(faster.site)), ("added", str(place)), ("removed", str(gone.site)),
    ]  # fmt: skip
    assert (after.monthly, made.monthly_before, made.monthly_after) == (
        change.monthly,
        contract.monthly,
        change.monthly,
    )
    assert sum(line.monthly for line in amending.running_lines(after)) == after.monthly
    assert Contract.objects.get(pk=gone.pk).state == "terminated"
    assert Contract.objects.get(pk=kept.pk).monthly == kept.monthly
    assert Contract.objects.get(pk=faster.pk).lines.filter(ended_on=None).get().characteristics["bandwidth"] == "500M"
    fresh = Contract.objects.get(parent=contract, site=place)
    assert (fresh.state, fresh.ends_on, fresh.entitlements.count()) == ("pending_signature", contract.ends_on, 1)
    assert amending.removed_keys(change) == {gone.lines.get().quote_line.key}
    assert Contract.objects.filter(kind="sales").count() == 1


def test_a_renewal_follows_on_the_day_after() -> None:
    contract, by = make.live(sites=2), quotes.seller()
    quote = _signed(basis.start(contract_id=contract.pk, purpose="renewal", by=by))
    next_one = Contract.objects.get(quote=quote, kind="sales")
    assert (next_one.renewed_from, next_one.state, next_one.starts_on) == (
        contract, "pending_signature", contract.ends_on + periods.DAY,
    )  # fmt: skip
    assert not renewing.ending(Contract.objects.filter(pk=contract.pk), 4000).exists()
    with pytest.raises(Conflict, match="renewed already"):
        basis.start(contract_id=contract.pk, purpose="renewal", by=by)
    with pytest.raises(Conflict, match=f"{next_one.number} follows it"):
        renewing.give_notice(contract_id=contract.pk, by=by)
    with pytest.raises(Conflict, match=f"{next_one.number} renews it"):
        ending.ask(contract_id=contract.pk, on=timezone.localdate(), reason="They move out", side="customer", by=by)
    assert renewing.run(contract.ends_on)["renewed"] == 0
    done = renewing.run(next_one.starts_on)
    assert (done["renewed"], done["expired"]) == (3, 0)
    assert {c.state for c in Contract.objects.filter(quote=contract.quote)} == {"expired"}
    assert {c.state for c in Contract.objects.filter(quote=quote)} == {"active"}
    assert set(Entitlement.objects.filter(contract__parent=next_one).values_list("starts_on", flat=True)) == {
        next_one.starts_on
    }
    assert renewing.run(next_one.starts_on) == {"renewed": 0, "extended": 0, "expired": 0}


def test_without_notice_a_contract_goes_on_and_with_it_is_over() -> None:
    contract, seller = make.live(sites=1), quotes.seller()
    service = contract.service_contracts.get()
    end = service.ends_on
    renewing.run(end + periods.DAY)
    after = Contract.objects.get(pk=service.pk)
    assert (after.state, after.ends_on) == ("active", periods.after(end + periods.DAY, 1))
    assert after.entitlements.get().ends_on == after.ends_on
    renewing.give_notice(contract_id=service.pk, by=seller)
    with pytest.raises(Conflict, match="already"):
        renewing.give_notice(contract_id=service.pk, by=seller)
    assert renewing.run(after.ends_on + periods.DAY)["expired"] == 1
    assert Contract.objects.get(pk=service.pk).state == "expired"


def test_late_notice_names_the_day_until_which_it_goes_on() -> None:
    contract, seller = make.live(sites=1), quotes.seller()
    today = timezone.localdate()
    Contract.objects.filter(pk=contract.pk).update(ends_on=today + dt.timedelta(days=10))
    with pytest.raises(Refusal, match="had to come by") as refused:
        renewing.give_notice(contract_id=contract.pk, by=seller)
    assert "on" in refused.value.problems
    rule = {"auto_renew": False, "renew_months": 12, "notice_days": 30}
    renewing.set_rule(contract_id=contract.pk, by=make.manager(), **rule)
    assert renewing.run(today + dt.timedelta(days=11))["expired"] == 1
    with pytest.raises(Refusal) as wrong:
        renewing.set_rule(contract_id=contract.pk, by=make.manager(), auto_renew=True, renew_months=0, notice_days=-1)
    assert set(wrong.value.problems) == {"renew_months", "notice_days"}

"""Ending: the charge of an early end to the cent, its approval, and what is left of the contract afterwards."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from contracts import earlytermination, ending, periods, tasks
from contracts.ending import Unfit
from contracts.models import Contract, ContractCharge, ContractLine, Entitlement, Termination
from kernel import approvals, lifecycle
from kernel.decisions import BrokenRule
from kernel.models import DecisionTable, OutboxEvent, User
from kernel.refusal import Conflict, NotPermitted, Refusal
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def _months_ago(months: int) -> dt.date:
    return periods.first_of(timezone.localdate().replace(day=1), -months)


def _decide(made: Termination, *, approve: bool = True, by: User | None = None) -> Termination:
    for role in ("sales_manager", "finance"):
        request = approvals.current(made)
        assert request
        for step in request.steps.filter(role=role, decision="pending"):
            approvals.decide(step.pk, by=by or UserFactory(role=role), approve=approve, reason="Because")
            if not approve:
                return Termination.objects.get(pk=made.pk)
    return Termination.objects.get(pk=made.pk)


@pytest.fixture(scope="module")
def single(made_once: Callable[..., Contract]) -> Contract:
    """A sales contract in force with one site, made once for the file."""
    return made_once(make.live, sites=1)


def test_the_charge_is_all_of_year_one_and_half_of_the_rest() -> None:
    start = _months_ago(4)
    contract = make.live(sites=1, on=start)
    service = contract.service_contracts.get()
    last = periods.after(start, 5)  # the fifth month is billed to its end
    found = earlytermination.preview(service, last)
    (line,) = found.lines
    price = service.monthly
    assert (line.months_left, [(s.first, s.last, s.percent) for s in line.steps]) == (
        31, [(6, 12, Decimal(100)), (13, 36, Decimal(50))],
    )  # fmt: skip
    assert line.steps[1].amount == (24 * price / 2).quantize(Decimal("0.01"))
    assert found.total == 7 * price + line.steps[1].amount
    again = earlytermination.preview(service, periods.after(start, 4) + periods.DAY)
    assert again.total == found.total  # the day after a month began counts as the whole month
    assert earlytermination.preview(service, periods.after(start, 36)).total == 0


def test_a_deal_costs_the_sum_of_its_sites() -> None:
    contract = make.live(sites=3, on=_months_ago(2))
    today = timezone.localdate()
    whole = earlytermination.preview(contract, today)
    parts = [earlytermination.preview(one, today).total for one in contract.service_contracts.all()]
    assert (len(whole.lines), whole.total) == (3, sum(parts))


def test_an_end_is_asked_approved_carried_out_and_owed() -> None:
    contract, seller = make.live(sites=2, on=_months_ago(3)), quotes.seller()
    made = ending.ask(contract_id=contract.pk, on=timezone.localdate(), reason="They move in with a rival.", by=seller)
    assert made.charge == made.computed > 0
    with pytest.raises(Conflict, match="already"):
        ending.ask(contract_id=contract.service_contracts.first().pk, on=made.on, reason="Again", by=seller)
    done = _decide(made)
    family = [contract, *contract.service_contracts.all()]
    assert done.state == "done"
    assert {one.state for one in Contract.objects.filter(pk__in=[f.pk for f in family])} == {"terminated"}
    assert sum(ContractCharge.objects.filter(termination=made).values_list("amount", flat=True)) == made.charge
    assert not ContractLine.objects.filter(contract__in=family, ended_on=None).exists()
    assert {e.ends_on for e in Entitlement.objects.filter(contract__in=family)} == {made.on}
    assert OutboxEvent.objects.filter(kind="contracts.ContractEnded").count() == 3


def test_one_site_leaves_the_deal() -> None:
    contract, seller = make.live(sites=2), quotes.seller()
    first, second = contract.service_contracts.order_by("number")
    _decide(ending.ask(contract_id=first.pk, on=timezone.localdate(), reason="The depot closes.", by=seller))
    after = Contract.objects.get(pk=contract.pk)
    assert (after.state, after.monthly) == ("active", second.monthly)
    assert Contract.objects.get(pk=second.pk).state == "active"
    assert after.lines.filter(ended_on=None).get().site == second.site


def test_a_reduction_needs_a_reason_and_finance(single: Contract) -> None:
    contract, seller, today = single, quotes.seller(), timezone.localdate()
    computed = earlytermination.preview(contract, today).total
    common = {"contract_id": contract.pk, "on": today, "reason": "Goodwill", "by": seller}
    for values, field in (
        ({"charge": computed + 1}, "charge"), ({"charge": Decimal(-1)}, "charge"),
        ({"charge": computed - 1}, "reduced_because"),
    ):  # fmt: skip
        with pytest.raises(Unfit) as refused:
            ending.ask(**common, **values)  # type: ignore[arg-type]
        assert set(refused.value.problems) == {field}
    made = ending.ask(**common, charge=Decimal("100.00"), reduced_because="We were late.")  # type: ignore[arg-type]
    request = approvals.current(made)
    assert request
    assert [step.role for step in request.steps.order_by("sequence")] == ["sales_manager", "finance"]
    _decide(made)
    rows = {row.kind: row.amount for row in ContractCharge.objects.filter(termination=made)}
    assert rows == {"early_termination": computed, "reduction": Decimal(100) - computed}


def test_wrong_days_and_rights_are_refused(single: Contract) -> None:
    contract, today = single, timezone.localdate()
    service = contract.service_contracts.get()
    for target, on, reason, fields in (
        (contract, today - dt.timedelta(days=60), "x", {"on"}),
        (contract, today + dt.timedelta(days=900), "", {"on", "reason"}),
        (service, service.ends_on, "x", {"on"}),
    ):
        with pytest.raises(Unfit) as refused:
            ending.ask(contract_id=target.pk, on=on, reason=reason, by=quotes.seller())
        assert set(refused.value.problems) == fields
    with pytest.raises(NotPermitted):
        ending.ask(contract_id=contract.pk, on=today, reason="x", by=UserFactory(role="service_agent"))
    DecisionTable.objects.filter(key=earlytermination.TABLE).delete()
    with pytest.raises(BrokenRule, match="what an early end costs"):
        ending.ask(contract_id=contract.pk, on=today, reason="x", by=quotes.seller())


def test_a_later_day_is_waited_for_and_may_be_withdrawn(single: Contract) -> None:
    contract, seller, today = single, quotes.seller(), timezone.localdate()
    made = _decide(ending.ask(contract_id=contract.pk, on=today + dt.timedelta(days=20), reason="Later", by=seller))
    assert made.state == "approved"
    tasks.renew_contracts()
    assert Contract.objects.get(pk=contract.pk).state == "active"
    with pytest.raises(Refusal):
        ending.withdraw(termination_id=made.pk, by=seller, reason=" ")
    ending.withdraw(termination_id=made.pk, by=seller, reason="They stay.")
    other = _decide(ending.ask(contract_id=contract.pk, on=today + dt.timedelta(days=1), reason="Now", by=seller))
    assert ending.due(today + dt.timedelta(days=2)) == [other.pk]
    ending.carry_out(other.pk)
    with pytest.raises(lifecycle.IllegalMove):
        ending.carry_out(other.pk)
    assert ContractCharge.objects.filter(contract=contract, kind="early_termination").count() == 1


def test_a_contract_that_changed_meanwhile_is_not_ended_at_the_old_charge(single: Contract) -> None:
    contract, seller = single, quotes.seller()
    made = ending.ask(contract_id=contract.pk, on=timezone.localdate(), reason="x", by=seller)
    ContractLine.objects.filter(contract__parent=contract).update(monthly=Decimal(1))
    with pytest.raises(ending.Changed):
        _decide(made)
    assert Contract.objects.get(pk=contract.pk).state == "active"


def test_a_refused_end_leaves_everything(single: Contract) -> None:
    contract, seller = single, quotes.seller()
    made = _decide(ending.ask(contract_id=contract.pk, on=timezone.localdate(), reason="x", by=seller), approve=False)
    assert (made.state, Contract.objects.get(pk=contract.pk).state) == ("rejected", "active")
    assert not ContractCharge.objects.exists()


def test_what_is_owed_is_never_changed(single: Contract) -> None:
    contract, seller = single, quotes.seller()
    made = _decide(ending.ask(contract_id=contract.pk, on=timezone.localdate(), reason="x", by=seller))
    with pytest.raises(DatabaseError), transaction.atomic():
        ContractCharge.objects.filter(termination=made).update(amount=1)

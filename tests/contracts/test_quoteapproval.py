"""Approval of quotes: everything missing is said at once, the rules find the approvers, their answer moves it."""

from decimal import Decimal

import pytest

from contracts import quoteapproval, quotecompleteness, quoteversions, quoting
from contracts.models import Quote
from contracts.quoteapproval import Incomplete
from kernel import approvals, judging, tableuse
from kernel.decisions import BrokenRule
from kernel.lifecycle import IllegalMove
from kernel.models import ApprovalRequest, DecisionTable
from kernel.refusal import Conflict, NotPermitted, Refusal
from tests.factories import contracts_quotes as make
from tests.factories.crm import AccountFactory
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


def submitted(discount: int) -> Quote:
    by = make.seller()
    quote, _ = make.filled(by=by, discount=discount)
    return quoteapproval.submit(quote_id=quote.pk, by=by, note="The incumbent is cheaper.")


def step(quote: Quote, role: str) -> int:
    return next(one.pk for one in quoteapproval.steps_of(quote) if one.role == role)


def test_every_problem_is_told_at_its_place() -> None:
    account, (place, _other) = make.customer()
    AccountFactory(parent=account, name="Havel Süd GmbH")
    quote = make.quote(account)
    bad = make.line(quote, place, "sdwan", size="XL")
    unchecked = make.line(quote, make.site(account.children.first(), None))  # type: ignore[arg-type]
    with pytest.raises(Incomplete) as told:
        quoteapproval.submit(quote_id=quote.pk, by=make.seller())
    said = {(one.kind, one.line_id, one.text) for one in told.value.found}
    assert ("configuration", bad.pk, "“XL” is not offered. Choose S, M or L.") in said
    assert ("rule", bad.pk, "SD-WAN site needs Dedicated internet at the same site.") in said
    assert ("check", unchecked.pk, "The site has no coordinates yet. Add them and check again.") in said
    assert {one.text for one in told.value.found if one.kind == "account"} == {
        "Havel Süd GmbH has no contact.", "Havel Süd GmbH has no site.",
    }  # fmt: skip
    assert Quote.objects.get(pk=quote.pk).state == "draft"


def test_an_empty_quote_is_not_submitted() -> None:
    with pytest.raises(Incomplete, match="no lines"):
        quoteapproval.submit(quote_id=make.quote().pk, by=make.seller())


def test_a_configuration_without_a_price_is_a_problem() -> None:
    account, (place, _other) = make.customer()
    quote = make.quote(account)
    make.line(quote, place, "firewall", tier="premium")
    (problem,) = quotecompleteness.problems(quote)
    assert problem.text == "EUR Test has no price for this configuration."


def test_little_discount_needs_nobody() -> None:
    quote = submitted(15)
    assert quote.state == "approved"
    assert not ApprovalRequest.objects.exists()


def test_without_rules_nothing_is_approved() -> None:
    DecisionTable.objects.filter(key="quote_approval").update(state="retired")
    by = make.seller()
    quote, _ = make.filled(by=by)
    with pytest.raises(BrokenRule, match="Nobody has said who approves"):
        quoteapproval.submit(quote_id=quote.pk, by=by)
    assert Quote.objects.get(pk=quote.pk).state == "draft"


def test_seventeen_percent_needs_the_sales_manager() -> None:
    quote = submitted(17)
    assert quote.state == "in_review"
    assert [(one.role, one.because) for one in quoteapproval.steps_of(quote)] == [
        ("sales_manager", "Discount is over 15 %")
    ]
    done = quoteapproval.decide(
        step_id=step(quote, "sales_manager"), by=UserFactory(role="sales_manager"), approve=True
    )
    assert done.state == "approved"


def test_thirty_percent_needs_finance_afterwards() -> None:
    quote = submitted(30)
    manager, finance = UserFactory(role="sales_manager"), UserFactory(role="finance")
    assert not approvals.waiting_for(finance).exists()
    assert quoteapproval.decide(step_id=step(quote, "sales_manager"), by=manager, approve=True).state == "in_review"
    assert quoteapproval.decide(step_id=step(quote, "finance"), by=finance, approve=True).state == "approved"


def test_the_decision_in_the_inbox_moves_the_quote_too() -> None:
    quote = submitted(17)
    approvals.decide(step(quote, "sales_manager"), by=UserFactory(role="sales_manager"), approve=True)
    assert Quote.objects.get(pk=quote.pk).state == "approved"


def test_who_decides_is_told_whose_it_is_and_what_it_brings() -> None:
    quote = submitted(30)
    manager = UserFactory(role="sales_manager")
    ((_, about),) = judging.abouts(manager, approvals.waiting_for(manager))
    assert (about.title, about.number, about.customer) == (quote.title, str(quote), quote.account.name)
    told = dict(about.facts)
    assert told["Discount"] == "30.0 %"
    assert "Margin" in told
    steps = quoteapproval.steps_of(quote)
    ((_, plain), *_) = judging.abouts(UserFactory(role="order_agent"), steps)
    assert "Margin" not in dict(plain.facts), "only for those who may see it"
    ((_, unseen), *_) = judging.abouts(UserFactory(role="technician"), steps)
    assert (unseen.title, unseen.facts) == (str(quote), ())


def test_a_rejection_wants_its_reason_and_can_be_reworked() -> None:
    quote, manager = submitted(17), UserFactory(role="sales_manager")
    with pytest.raises(Refusal, match="Say why"):
        quoteapproval.decide(step_id=step(quote, "sales_manager"), by=manager, approve=False)
    done = quoteapproval.decide(step_id=step(quote, "sales_manager"), by=manager, approve=False, reason="Too much")
    assert done.state == "rejected"
    assert quoteapproval.rework(quote_id=quote.pk, by=make.seller()).state == "draft"


def test_nobody_approves_their_own_quote() -> None:
    by = UserFactory(roles=["sales_agent", "sales_manager"])
    quote, _ = make.filled(by=by, discount=17)
    quoteapproval.submit(quote_id=quote.pk, by=by)
    with pytest.raises(NotPermitted, match="cannot give it"):
        quoteapproval.decide(step_id=step(quote, "sales_manager"), by=by, approve=True)


def test_recalling_ends_the_round() -> None:
    quote, by = submitted(17), make.seller()
    opened = step(quote, "sales_manager")
    recalled = quoteapproval.recall(quote_id=quote.pk, by=by)
    assert recalled.state == "draft"
    with pytest.raises(Conflict, match="taken back after you opened it"):
        quoteapproval.decide(step_id=opened, by=UserFactory(role="sales_manager"), approve=True)
    assert ApprovalRequest.objects.get().state == "recalled"
    with pytest.raises(IllegalMove):
        quoteapproval.recall(quote_id=quote.pk, by=by)


def test_only_who_writes_quotes_submits_them() -> None:
    quote, _ = make.filled()
    with pytest.raises(NotPermitted):
        quoteapproval.submit(quote_id=quote.pk, by=UserFactory(role="technician"))


def test_the_same_content_is_approved_once() -> None:
    quote = submitted(17)
    quoteapproval.decide(step_id=step(quote, "sales_manager"), by=UserFactory(role="sales_manager"), approve=True)
    by = make.seller()
    second = quoteversions.new_version(quote_id=quote.pk, by=by)
    assert quoteapproval.submit(quote_id=second.pk, by=by).state == "approved"


def test_another_price_voids_the_approval() -> None:
    quote = submitted(17)
    quoteapproval.decide(step_id=step(quote, "sales_manager"), by=UserFactory(role="sales_manager"), approve=True)
    by = make.seller()
    second = quoteversions.new_version(quote_id=quote.pk, by=by)
    quoting.set_discount(quote_id=second.pk, percent=Decimal(18), by=by)
    assert quoteapproval.submit(quote_id=second.pk, by=by).state == "in_review"


def test_the_margin_is_told_only_as_a_secret() -> None:
    DecisionTable.objects.filter(key="quote_approval").update(
        rows=[{"margin": "< 90", "role": "'finance'", "because": "'Margin is under 90 %'"}]
    )
    quote, _ = make.filled()
    (reason,) = quoteapproval.reasons(quote)
    assert (reason.role, reason.secret) == ("finance", True)


def test_figures_are_over_the_term() -> None:
    quote, _ = make.filled(discount=20)
    figures = quoteapproval.figures(quote)
    assert figures.value == quote.monthly * 36
    assert figures.discount == Decimal("20.00")
    assert figures.margin == round(
        (1500 - 860) * 36 * Decimal(100) / (1500 * 36) - Decimal(1200) * 100 / (1500 * 36), 2
    )


def test_real_quotes_are_cases_for_a_changed_table_only_for_those_who_may_see_margins() -> None:
    quote, _ = make.filled(discount=17)
    cases = tableuse.cases_for(quoteapproval.TABLE, 5, UserFactory(roles=["sales_manager"]))
    assert [(case.name, case.facts["discount"]) for case in cases] == [(str(quote), 17.0)]
    assert tableuse.cases_for(quoteapproval.TABLE, 5, UserFactory(roles=["process_admin"])) == []

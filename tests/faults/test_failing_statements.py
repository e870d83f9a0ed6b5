"""T4: the database fails at the Nth statement of a flow: nothing half done is kept, and doing it again succeeds."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from contracts import presenting, quoteapproval, quoting, signature
from crm import capture as leads
from crm import conversion
from fallout import resolution
from fulfillment import adapters, execution, recovery, taskwork
from fulfillment.adapters.provisioning.fake import Fake as Provisioning
from fulfillment.models import Flow, Task
from kernel import outbox
from kernel.models import OutboxEvent
from orders import approval, capture, enrichment, orchestration, submission
from orders.models import Order
from tests.contracts.conftest import blank_pages  # noqa: F401 – a fixture
from tests.factories import catalog as make_catalogue
from tests.factories import contracts as make_contract
from tests.factories import contracts_quotes as make_quote
from tests.factories import fallout as make_fallout
from tests.factories import fulfillment as make_flow
from tests.factories.crm import LeadFactory, stages
from tests.factories.orders import Shop, finish
from tests.factories.people import UserFactory
from tests.faults import crowd, ledger
from tests.faults.conftest import Figure

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("blank_pages")]

SAMPLE = 3  # statements at which each flow fails in the small trial; at each one in the full trial
BESIDE = ("SAVEPOINT", "RELEASE", "ROLLBACK")  # these fail only with the whole connection
PAST = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
Act = Callable[[], Any]


class Failed(OperationalError):
    """The database did not do it."""


@contextmanager
def failing(at: int) -> Iterator[list[int]]:
    """Statement number `at` fails; the list grows with every statement that is tried."""
    tried: list[int] = []

    def execute(do: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if not str(sql).lstrip().upper().startswith(BESIDE):
            tried.append(len(tried) + 1)
            if len(tried) == at:
                raise Failed(f"statement {at} failed")
        return do(sql, *rest)

    with connection.execute_wrapper(execute):
        yield tried


@dataclass(frozen=True)
class Trial:
    """An act, and how to tell that it was done.

    `whole` acts are one transaction: they happen or they do not, but for tables that are written `ahead`.
    """

    act: Act
    done: Callable[[], bool]
    whole: bool = True
    ahead: tuple[str, ...] = ()


def lead_captured() -> Trial:
    mira = UserFactory(role="sales_agent")
    values: dict[str, Any] = {
        "company": "Fault B.V.", "first_name": "Eva", "last_name": "Mulder", "email": "eva@fault.example",
        "country": "NL", "source": "web", "need": "A line", "lines": [leads.Line(description="Internet", quantity=2)],
    }  # fmt: skip
    return Trial(lambda: leads.capture(by=mira, **values), lambda: leads.Lead.objects.count() == 1)


def lead_converted() -> Trial:
    mira = UserFactory(role="sales_agent")
    stages()
    lead = LeadFactory(state="qualified", company="Fault Logistics", by=mira)
    return Trial(
        lambda: conversion.convert(lead_id=lead.pk, by=mira),
        lambda: leads.Lead.objects.get(pk=lead.pk).state == "converted",
    )


def quote_priced_and_submitted() -> Trial:
    make_catalogue.publish()
    mira = make_quote.seller()
    quote, _ = make_quote.filled(sites=3, by=mira)

    @transaction.atomic
    def act() -> None:
        quoting.set_discount(quote_id=quote.pk, percent=Decimal(5), by=mira)
        quoteapproval.submit(quote_id=quote.pk, by=mira)

    return Trial(act, lambda: type(quote).objects.get(pk=quote.pk).state in ("approved", "in_approval"))


def quote_presented() -> Trial:
    make_catalogue.publish()
    quote = make_contract.approved_quote()
    to = make_contract.signatory(quote.account)
    return Trial(
        lambda: presenting.present(quote_id=quote.pk, contact_id=to.pk, by=None),
        lambda: type(quote).objects.get(pk=quote.pk).state == "presented",
        ahead=("kernel_document",),  # printing takes long and holds no lock; the print is found again
    )


def quote_signed() -> Trial:
    make_catalogue.publish()
    link = make_contract.presented()
    signed = {"name": "Julia Brandt", "consent": True, "address": "192.0.2.7", "agent": "Browser"}
    return Trial(
        lambda: signature.sign(token=link.token, **signed),  # type: ignore[arg-type]
        lambda: type(link).objects.get(pk=link.pk).signed_at is not None,
    )


def order_captured() -> Trial:
    shop = Shop()
    quote = shop.quote(sites=2)
    return Trial(
        lambda: capture.from_quote(quote_id=quote.pk, by=shop.agent), lambda: Order.objects.filter(quote=quote).exists()
    )


def order_submitted() -> Trial:
    shop = Shop()
    order = shop.draft(sites=2)
    return Trial(
        lambda: submission.submit(order_id=order.pk, by=shop.agent), lambda: _state(order) == Order.State.SUBMITTED
    )


def order_enriched() -> Trial:
    shop = Shop(ask="order_approver")
    order = shop.submitted(sites=2)
    _told()
    return Trial(
        lambda: enrichment.run(order_id=order.pk), lambda: _state(order) == Order.State.AWAITING_APPROVAL
    )  # fmt: skip


def order_approved() -> Trial:
    from kernel import approvals

    shop = Shop(ask="order_approver")
    order = shop.approved(sites=2)
    step, boss = approvals.current(order).steps.get(), UserFactory(role="order_approver")
    return Trial(
        lambda: approval.decide(step_id=step.pk, by=boss, approve=True),
        lambda: _state(order) == Order.State.APPROVED,
    )


def order_launched() -> Trial:
    order = Shop().approved(sites=2)
    _told()
    return Trial(
        lambda: orchestration.launch(order_id=order.pk), lambda: _state(order) == Order.State.IN_PROGRESS
    )  # fmt: skip


def engine_run() -> Trial:
    api = {"kind": "api_call", "adapter": "provisioning", "operation": "port.create", "outputs": ["pe_port"]}
    flow = make_flow.flow(
        "run", {"key": "a"}, {"key": "b", "after": ["a"]}, {"key": "c", "after": ["a"]},
        {"key": "call", "after": ["b", "c"], **api}, {"key": "end", "kind": "milestone", "after": ["call"]},
    )  # fmt: skip

    fake = Provisioning()

    def act() -> None:
        Task.objects.filter(flow=flow, lease_until__isnull=False).update(lease_until=PAST)
        Task.objects.filter(flow=flow, due_at__isnull=False).update(due_at=PAST)
        recovery.sweep()
        with adapters.replaced(fake):
            execution.run_ready()

    def done() -> bool:
        return Flow.objects.get(pk=flow.pk).state == "completed" and set(fake.effects.values()) == {1}

    return Trial(act, done, whole=False)


def task_completed() -> Trial:
    flow = make_flow.flow("hand", {"key": "work", "kind": "manual"}, {"key": "next", "after": ["work"]})
    task, ravi = make_flow.task(flow, "work"), UserFactory(role="order_fulfilment_agent")
    return Trial(
        lambda: taskwork.complete(task.pk, ravi, {}), lambda: make_flow.task(flow, "work").state == "completed"
    )


def fallout_mended() -> Trial:
    record, lena = make_fallout.fallout(), UserFactory(role="fallout_agent")
    resolution.take(fallout_id=record.pk, by=lena)
    return Trial(
        lambda: resolution.edit_and_retry(fallout_id=record.pk, raw={"vlan": "2131"}, note="The free one.", by=lena),
        lambda: Task.objects.get(pk=record.task_id).state != "on_hold",
    )


def order_delivered() -> Trial:
    order = Shop().running()

    def act() -> None:
        OutboxEvent.objects.filter(done_at__isnull=True).update(due_at=PAST)
        finish()

    return Trial(act, lambda: _state(order) == Order.State.COMPLETED or not _waiting(), whole=False)


def _state(order: Order) -> str:
    return str(Order.objects.values_list("state", flat=True).get(pk=order.pk))


def _told() -> None:
    """Nobody does it before us."""
    OutboxEvent.objects.filter(done_at__isnull=True).update(done_at=PAST)


def _waiting() -> bool:
    return OutboxEvent.objects.filter(done_at__isnull=True).exists()


FLOWS = [
    lead_captured, lead_converted, quote_priced_and_submitted, quote_presented, quote_signed, order_captured,
    order_submitted, order_enriched, order_approved, order_launched, engine_run, task_completed, fallout_mended,
    order_delivered,
]  # fmt: skip


@pytest.mark.parametrize("prepare", FLOWS, ids=lambda flow: flow.__name__)
def test_a_flow_whose_nth_statement_fails_happens_whole_or_not_at_all(
    prepare: Callable[[], Trial], figure: Figure, full: bool
) -> None:
    trial = prepare()
    outbox.drain()
    before = ledger.pages()
    with undone(), failing(0) as tried:
        trial.act()
        assert trial.done()
        wanted = counts()
    assert len(tried) > 5, "there was nothing left to do"
    points = range(1, len(tried) + 1) if full else sample(len(tried))
    for point in points:
        with undone():
            refused = False
            with failing(point) as tried:
                try:
                    trial.act()
                except OperationalError:
                    refused = True
                    transaction.set_rollback(False)  # what failed never reached the database
            if len(tried) < point:
                continue  # something is remembered by now that had to be read before
            if trial.whole:
                assert refused, f"statement {point} failed and nobody noticed"
                assert set(ledger.changed(before)) <= set(trial.ahead), f"statement {point}"
            trial.act()
            assert trial.done(), f"statement {point} failed, and doing it again did not help"
            assert trial.whole is False or counts() == wanted, f"statement {point}"
            assert crowd.wrong(connection.connection) == {}, f"statement {point}"
    name = prepare.__name__.replace("_", " ")
    figure("T4", f"{name}: statements that failed", len(points), at_least=1)


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens inside is taken back."""
    mark = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(mark)


def counts() -> dict[str, int]:
    """Rows per table."""
    return {name: count for name, (count, _) in ledger.pages().items()}


def sample(statements: int) -> list[int]:
    """The first, the last, and some between."""
    return sorted({1 + round(step * (statements - 1) / (SAMPLE - 1)) for step in range(SAMPLE)})

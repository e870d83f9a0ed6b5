"""T13: people and machines do whatever comes to their minds; what must always be true stays true.

Hypothesis makes up the stories. After every act: each state was reached by declared moves, each move has its audit row,
the edition rose with it, sums are the sums of their parts, and what was refused changed nothing.
"""

import datetime as dt
import itertools
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, models, transaction
from django.db.models import Count, Q, Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from contracts import presenting, quoteapproval, quoteversions, quoting
from contracts.models import Quote, QuoteLine
from fulfillment import adapters, calling, execution, planning, receipt, recovery
from fulfillment.adapters import Answer
from fulfillment.adapters.provisioning.fake import Fake as Provisioning
from fulfillment.models import Flow, Task, TaskDependency
from kernel import approvals, lifecycle, moving, outbox
from kernel.models import AuditEntry, OutboxEvent, User
from kernel.refusal import Refusal
from orders import approval, editing, enrichment
from orders.models import Order, OrderLine
from tests.contracts.conftest import blank_pages  # noqa: F401 – a fixture
from tests.factories import catalog as make_catalogue
from tests.factories import contracts_quotes as make_quote
from tests.factories import fulfillment as make_flow
from tests.factories.crm import SiteFactory
from tests.factories.orders import Shop
from tests.factories.people import UserFactory
from tests.faults import crowd, ledger
from tests.faults.conftest import Figure

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("blank_pages")]

PAST = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
STORIES = int(os.environ.get("FAULTS_STORIES") or 670)  # of each of the three machines: 2,000 runs together
AHEAD = {"kernel_document"}  # printed before the transaction that sends it
number = st.integers(0, 40)


class Story(RuleBasedStateMachine):
    """One story in a transaction that is taken back at its end; `acts` and `refusals` are counted over all stories."""

    watched: tuple[type[models.Model], ...] = ()
    acts = 0
    refusals = 0
    stories = 0

    def __init__(self) -> None:
        super().__init__()
        self._mark = transaction.savepoint()
        self.seen: dict[tuple[str, int], tuple[str, int]] = {}
        type(self).stories += 1
        self.begin()
        self._look()

    def begin(self) -> None:
        """What there is at first."""

    def teardown(self) -> None:
        transaction.set_rollback(False)
        transaction.savepoint_rollback(self._mark)

    def attempt(self, act: Callable[[], Any]) -> None:
        """An act may be refused; then nothing has changed."""
        before = ledger.pages()
        type(self).acts += 1
        try:
            act()
        except Refusal:
            type(self).refusals += 1
            assert set(ledger.changed(before)) <= AHEAD, "it was refused, and something changed"

    @invariant()
    def every_move_is_declared_and_written_down(self) -> None:
        """From the state that was seen last to the present one there is a chain of audit rows of declared moves."""
        for key, (_, edition) in self._look().items():
            model = next(model for model in self.watched if model._meta.label_lower == key[0])
            declared = {(str(t.source), str(t.target)) for t in lifecycle.transitions_of(model)}
            rows = AuditEntry.objects.filter(subject_type=key[0], subject_id=key[1], changes__has_key="state")
            chain = [tuple(changes["state"]) for changes in rows.order_by("pk").values_list("changes", flat=True)]
            state, now = self.seen[key]
            assert chain, f"{key} is {state} and nobody wrote down how"
            assert set(chain) <= declared, f"{key}: {set(chain) - declared}"
            assert chain[-1][1] == state, f"{key} is {state}, the trail says {chain[-1][1]}"
            assert all(a[1] == b[0] for a, b in itertools.pairwise(chain)), f"{key}: {chain}"
            assert now > edition, f"the edition of {key} did not rise"

    @invariant()
    def nothing_is_double_or_half(self) -> None:
        """What no record may ever show."""
        assert crowd.wrong(connection.connection) == {}

    def _look(self) -> dict[tuple[str, int], tuple[str, int]]:
        """Records whose state is another than when we last looked, as they were then."""
        moved = {}
        for model in self.watched:
            for pk, state, edition in model._base_manager.values_list("pk", "state", "edition"):
                key = (model._meta.label_lower, pk)
                last = self.seen.get(key)
                if last is not None and last[0] != state:
                    moved[key] = last
                assert last is None or edition >= last[1], f"the edition of {key} fell"
                self.seen[key] = (str(state), edition)
        return moved


class Deals(Story):
    """A quote from its first line to the customer's answer."""

    watched = (Quote,)
    manager: User
    seller: User

    def begin(self) -> None:
        self.quotes = [make_quote.filled(sites=1, by=self.seller)[0].pk]

    def _quote(self, pick: int) -> Quote:
        found: Quote = Quote.objects.get(pk=self.quotes[pick % len(self.quotes)])
        return found

    def _line(self, quote: Quote, pick: int) -> int:
        keys = list(QuoteLine.objects.filter(quote=quote).order_by("pk").values_list("pk", flat=True))
        return keys[pick % len(keys)] if keys else 0

    @rule(pick=number)
    def add_a_site(self, pick: int) -> None:
        quote = self._quote(pick)
        place, dia = make_quote.site(quote.account), make_catalogue.offering("dia").pk
        values = {"bandwidth": "1G"}
        self.attempt(
            lambda: quoting.add_lines(
                quote_id=quote.pk, offering_id=dia, site_ids=[place.pk], values=values, by=self.seller
            )
        )

    @rule(pick=number, line=number)
    def remove_a_line(self, pick: int, line: int) -> None:
        quote = self._quote(pick)
        keys = [self._line(quote, line)]
        self.attempt(lambda: quoting.remove_lines(quote_id=quote.pk, line_ids=keys, by=self.seller))

    @rule(pick=number, percent=st.sampled_from([0, 5, 12, 30, 45, 101, -1]))
    def discount(self, pick: int, percent: int) -> None:
        quote = self._quote(pick)
        self.attempt(lambda: quoting.set_discount(quote_id=quote.pk, percent=Decimal(percent), by=self.seller))

    @rule(pick=number, name=st.sampled_from(["submit", "recall", "rework", "cancel", "present", "decline", "expire"]))
    def press_a_button(self, pick: int, name: str) -> None:
        quote = self._quote(pick)
        self.attempt(lambda: moving.make(quote, name, by=self.seller, reason="Because."))

    @rule(pick=number, approve=st.booleans())
    def decide(self, pick: int, approve: bool) -> None:
        request = approvals.current(self._quote(pick))
        step = request.steps.filter(decision="pending").order_by("sequence", "pk").first() if request else None
        if step is not None:
            boss = UserFactory(role=step.role)
            self.attempt(lambda: quoteapproval.decide(step_id=step.pk, by=boss, approve=approve, reason="Seen."))

    @rule(pick=number)
    def next_version(self, pick: int) -> None:
        quote = self._quote(pick)

        def act() -> None:
            self.quotes.append(quoteversions.new_version(quote_id=quote.pk, by=self.seller).pk)

        self.attempt(act)

    @rule(pick=number)
    def withdraw(self, pick: int) -> None:
        quote = self._quote(pick)
        self.attempt(lambda: presenting.withdraw(quote_id=quote.pk, by=self.seller, reason="Too dear."))

    @invariant()
    def sums_are_the_sums_of_their_lines(self) -> None:
        """Monthly and one-time amounts."""
        for quote in Quote.objects.filter(pk__in=self.quotes):
            lines = QuoteLine.objects.filter(quote=quote).aggregate(monthly=Sum("monthly"), one_time=Sum("one_time"))
            assert quote.monthly == (lines["monthly"] or 0), f"{quote}: {quote.monthly} of {lines['monthly']}"
            assert quote.one_time == (lines["one_time"] or 0), f"{quote}: {quote.one_time} of {lines['one_time']}"


class Ordering(Story):
    """An order from its draft to its end, steered by people while machines work."""

    watched = (Order, OrderLine, Task, Flow)
    shop: Shop
    boss: User

    def begin(self) -> None:
        self.order_id = self.shop.draft(sites=2).pk

    def _order(self) -> Order:
        found: Order = Order.objects.get(pk=self.order_id)
        return found

    @rule(name=st.sampled_from([
        "submit", "hold", "resume", "await_information", "cancel", "submit", "revise", "begin", "complete", "reject",
    ]))  # fmt: skip
    def press_a_button(self, name: str) -> None:
        order = self._order()
        self.attempt(lambda: moving.make(order, name, by=self.shop.manager, reason="Because."))

    @rule(days=st.integers(-10, 300))
    def edit(self, days: int) -> None:
        wanted = {"requested_on": dt.date.today() + dt.timedelta(days=days)}  # noqa: DTZ011
        self.attempt(lambda: editing.edit(order_id=self.order_id, by=self.shop.agent, changes=wanted))

    @rule()
    def supply(self) -> None:
        self.attempt(lambda: enrichment.run(order_id=self.order_id))

    @rule(approve=st.booleans())
    def decide(self, approve: bool) -> None:
        request = approvals.current(self._order())
        step = request.steps.filter(decision="pending").order_by("sequence", "pk").first() if request else None
        if step is not None:
            self.attempt(lambda: approval.decide(step_id=step.pk, by=self.boss, approve=approve, reason="Seen."))

    @rule()
    def tell(self) -> None:
        outbox.deliver()
        assert not OutboxEvent.objects.exclude(error="").exists(), OutboxEvent.objects.exclude(error="").first().error

    @rule()
    def work(self) -> None:
        execution.run_local(3)

    @invariant()
    def sums_are_the_sums_of_their_lines(self) -> None:
        """Of the whole order; and a completed order has no open line."""
        order = self._order()
        monthly = OrderLine.objects.filter(order=order).aggregate(total=Sum("monthly"))["total"] or 0
        assert order.monthly == monthly, f"{order.monthly} of {monthly}"
        if order.state == Order.State.COMPLETED:
            assert set(order.lines.values_list("state", flat=True)) <= {"completed", "cancelled", "failed"}


API: dict[str, Any] = {"kind": "api_call", "adapter": "provisioning", "operation": "port.create", "max_attempts": 2}
ITEMS: list[dict[str, Any]] = [
    {"key": "a"}, {"key": "b", "after": ["a"]}, {"key": "hand", "kind": "manual", "after": ["a"]},
    {"key": "call", "after": ["b"], "outputs": ["pe_port"], **API},
    {"key": "wait", "after": ["call"], **API, "kind": "wait_event"},
    {"key": "end", "kind": "milestone", "after": ["hand", "wait", {"item": "a", "kind": "SS"}]},
]  # fmt: skip
ANSWERS = {
    "done": Answer("done", outputs={"pe_port": "xe-0"}, status=200), "accepted": Answer("accepted", status=202),
    "retry": Answer("retry", kind="external_timeout", cause="Not reached"),
    "unknown": Answer("unknown", kind="external_timeout", cause="No answer"),
    "rejected": Answer("rejected", kind="provisioning", cause="VLAN in use"),
}  # fmt: skip


class Engine(Story):
    """Flows of the engine while workers come, answer late, or never."""

    watched = (Task, Flow)
    agent: User
    lead: User
    site: Any

    def begin(self) -> None:
        self.claims: list[calling.Claim] = []
        self.roots = []
        self.plan_one()

    @rule()
    def plan_one(self) -> None:
        if len(self.roots) < 3:
            asked = make_flow.request("storied", self.site)
            planning.plan([asked])
            execution.start(asked.root_type, asked.root_id)
            self.roots.append(asked.root_id)

    @rule(limit=st.integers(1, 5))
    def work(self, limit: int) -> None:
        execution.run_local(limit)

    @rule()
    def claim(self) -> None:
        self.claims += calling.take(2)

    @rule(pick=number, what=st.sampled_from(sorted(ANSWERS)))
    def answer(self, pick: int, what: str) -> None:
        """In any order, also of claims that are lost or answered already."""
        if self.claims:
            calling.settle([(self.claims[pick % len(self.claims)], ANSWERS[what])])

    @rule()
    def lose_the_worker(self) -> None:
        Task.objects.filter(lease_until__isnull=False).update(lease_until=PAST)

    @rule()
    def time_passes(self) -> None:
        Task.objects.filter(due_at__isnull=False).update(due_at=PAST)
        recovery.sweep()

    @rule(pick=number, status=st.sampled_from(["completed", "failed", "progress"]), event=st.integers(0, 3))
    def call_back(self, pick: int, status: str, event: int) -> None:
        tasks = list(Task.objects.filter(kind__in=["api_call", "wait_event"]).order_by("pk"))
        task = tasks[pick % len(tasks)]
        payload = {"task": task.number, "key": task.idempotency_key, "status": status, "outputs": {"pe_port": "xe-1"}}
        self.attempt(lambda: receipt.receive("provisioning", f"{task.pk}-{status}-{event}", payload))

    @rule(pick=number, name=st.sampled_from(["start", "complete", "hold", "resume", "fail", "skip", "informed"]))
    def press_a_button(self, pick: int, name: str) -> None:
        tasks = list(Task.objects.order_by("pk"))
        task = tasks[pick % len(tasks)]
        self.attempt(lambda: moving.make(task, name, by=self.agent, reason="Because."))

    @rule(pick=number, way=st.sampled_from(["retry", "hand", "skip"]))
    def mend(self, pick: int, way: str) -> None:
        tasks = [task for task in Task.objects.order_by("pk") if task.in_fallout]
        if tasks:
            pk = tasks[pick % len(tasks)].pk
            ways: dict[str, Callable[[], Any]] = {
                "retry": lambda: recovery.retry(pk, self.agent),
                "hand": lambda: recovery.complete_by_hand(pk, self.agent, {"pe_port": "xe-2"}, "Did it."),
                "skip": lambda: recovery.skip(pk, self.agent, "Not needed."),
            }
            self.attempt(ways[way])

    @rule(pick=number, hold=st.booleans())
    def steer(self, pick: int, hold: bool) -> None:
        flow = Flow.objects.order_by("pk")[pick % Flow.objects.count()]
        act = execution.hold_flow if hold else execution.resume_flow
        self.attempt(lambda: act(flow.pk, self.lead, "Because."))

    @invariant()
    def counters_fit(self) -> None:
        """A planned task waits for as many as have not been met, one that is beyond waits for nobody."""
        unmet = Count("dependencies", filter=Q(dependencies__met_at__isnull=True))
        for task in Task.objects.annotate(unmet=unmet):
            assert task.waits_for == task.unmet, f"{task.key} {task.state}: {task.waits_for} of {task.unmet}"
            assert task.state in ("planned", "skipped", "cancelled", "discarded") or task.waits_for == 0
        assert not TaskDependency.objects.filter(met_at__isnull=True, before__state="completed", kind="FS").exists()

    @invariant()
    def flows_end_with_their_tasks(self) -> None:
        """A flow is complete when no task is open, and not before."""
        for flow in Flow.objects.annotate(open=Count("tasks", filter=~Q(tasks__state__in=Task.CLOSED))):
            assert (flow.state == "completed") == (flow.open == 0) or flow.state == "on_hold", (
                f"{flow.state} {flow.open}"
            )


@contextmanager
def told(machine: type[Story], figure: Figure, name: str, stories: int) -> Iterator[None]:
    """Count what happened in the block."""
    machine.acts = machine.refusals = machine.stories = 0
    yield
    figure("T13", f"{name}: stories", machine.stories, at_least=stories)
    figure("T13", f"{name}: acts that could be refused, and were", f"{machine.acts}, {machine.refusals}")
    figure("T13", f"{name}: illegal states, lost sums, missing audit rows", 0, exactly=0)


def run(machine: type[Story], stories: int, steps: int) -> None:
    """So many stories of at most so many acts; the same ones each time."""
    random.seed(20261122)
    how = settings(
        max_examples=stories, stateful_step_count=steps, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck), print_blob=False,
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=how)  # type: ignore[no-untyped-call]


def test_quotes(figure: Figure, full: bool) -> None:
    make_catalogue.publish()
    Deals.seller, Deals.manager = make_quote.seller(), UserFactory(role="sales_manager")
    stories = STORIES if full else 6
    with told(Deals, figure, "quote", stories):
        run(Deals, stories, 12)


def test_orders(figure: Figure, full: bool) -> None:
    Ordering.shop, Ordering.boss = Shop(ask="order_approver"), UserFactory(role="order_approver")
    stories = STORIES if full else 6
    with told(Ordering, figure, "order", stories):
        run(Ordering, stories, 16)


def test_engine(figure: Figure, full: bool) -> None:
    make_flow.plan("storied", *ITEMS)
    Engine.site = SiteFactory()
    Engine.agent, Engine.lead = UserFactory(is_superuser=True), UserFactory(role="fulfilment_manager")
    stories = STORIES if full else 6
    with adapters.replaced(Provisioning()), told(Engine, figure, "engine", stories):
        run(Engine, stories, 25)

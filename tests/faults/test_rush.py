"""T9: a year's orders come in at once; people go on working, memory stays flat, each order is done or in its place.

The trial ends when all are done or its time is over. Whatever is open by then must have something that moves it.
"""

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.faults import crowd
from tests.faults.conftest import Figure
from tests.faults.plant import OVER, Plant
from tests.faults.visitors import Visitors

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]

MEGABYTE = 1024 * 1024
BOUND = 1200  # megabytes of web, worker and beat together
PATIENCE = 600  # seconds until the first order has to be done
BY_HAND = 0.02  # share of the orders that people submit over the web while the others are there already
LEFT_ALONE = """
    SELECT count(*) FROM orders_order o WHERE o.id = ANY(%s) AND o.state != ALL(%s) AND NOT EXISTS (
        SELECT FROM kernel_outboxevent e WHERE e.done_at IS NULL AND (e.payload->>'order_id')::bigint = o.id)
    AND NOT EXISTS (
        SELECT FROM kernel_outboxevent e JOIN orders_domainorder d ON d.id = (e.payload->>'owner_id')::bigint
        WHERE e.done_at IS NULL AND e.payload->>'owner_type' = 'orders.domainorder' AND d.order_id = o.id)
    AND NOT EXISTS (
        SELECT FROM fulfillment_task t JOIN fulfillment_flow f ON f.id = t.flow_id
        WHERE f.root_type = 'orders.order' AND f.root_id = o.id
            AND (t.state = 'ready' OR t.kind = 'wait_event' AND t.state = 'in_progress'
                 OR t.state IN ('in_progress', 'failed') AND coalesce(t.lease_until, t.due_at) IS NOT NULL))"""
ENDED = "SELECT count(*) FROM orders_order WHERE id = ANY(%s) AND state = 'completed'"
BILLED = """
    SELECT count(*) FROM orders_order o WHERE o.id = ANY(%s) AND o.state = 'completed' AND EXISTS (
        SELECT FROM cmdb_product p JOIN contracts_billingstart b ON b.product_id = p.id
        WHERE p.order_number = o.number AND p.state = 'active')"""
OVERTAKEN = """
    SELECT count(*) FROM orders_order w WHERE w.id = ANY(%s) AND w.state = 'submitted' AND w.id < (
        SELECT max(id) FROM orders_order WHERE id = ANY(%s) AND state != 'submitted')"""


@dataclass
class Watch:
    """What the parts of the product hold, looked at now and then, in bytes."""

    plant: Plant
    held: list[int] = field(default_factory=list)

    def look(self) -> None:
        """One more look: the proportional share of every process."""
        self.held.append(sum(_share(pid) for name in ("web", "worker", "beat") for pid in self._family(name)))

    def _family(self, name: str) -> list[int]:
        process = self.plant.stack.processes.get(name)
        return [process.pid, *self.plant.children(name)] if process else []

    def grown(self) -> float:
        """The last quarter over the second, in which everything is warm."""
        quarter = max(1, len(self.held) // 4)
        return max(self.held[-quarter:]) / max(self.held[quarter : 2 * quarter] or self.held)


def _share(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def test_thousands_of_orders_at_once_are_done_or_in_their_place(plant: Plant, figure: Figure, full: bool) -> None:
    number = int(os.environ.get("FAULTS_RUSH") or (10_000 if full else 120))
    limit, idle_for = (float(os.environ.get("FAULTS_SECONDS") or 600), 20.0) if full else (6.0, 2.0)
    plant.running()
    watch, by_hand = Watch(plant), max(4, int(number * BY_HAND))
    drafts = plant.drafts(by_hand)
    with Visitors(plant.stack.url, plant.person("order_manager"), drafts[0][0], people=2, pause=0.2) as people:
        plant.until(lambda: people.statuses()[200] > 2, 60, "nobody is answered")
        quiet_since = time.time()
        plant.until(lambda: time.time() > quiet_since + idle_for, idle_for + 5, "time stands still")
        idle = people.usual(quiet_since)
        orders = [*plant.crowd("rush", number - by_hand, by_hand), *(pk for pk, _ in drafts)]
        began, before = time.time(), plant.steps()
        people.errands.extend(f"/orders/{name}/submit/" for _, name in drafts)
        while (done := plant.finished(orders)) < number and time.time() < began + (limit if done else PATIENCE):
            watch.look()
            plant.running()
            time.sleep(0.5 if full else 0.2)
        seconds, busy = time.time() - began, people.usual(began)
        plant.until(lambda: not people.errands, 120, "orders by hand were not taken")
    plant.running()
    statuses = people.statuses()
    refused = statuses[429] + statuses[503]
    with plant.query() as database:
        in_place = [crowd.one(database, LEFT_ALONE, orders, list(OVER)), crowd.one(database, OVERTAKEN, orders, orders)]
        there = crowd.one(database, "SELECT count(*) FROM orders_order WHERE id = ANY(%s) AND state != 'draft'", orders)
        wrong = {words: count for words, count in crowd.wrong(database).items() if words != crowd.UNBILLED}
        ended = crowd.one(database, ENDED, orders)
    plant.until(lambda: _billed(plant, orders) >= ended, 60, "orders ended without a live, billed product")
    _count(plant, figure, orders, seconds, before, there, in_place, by_hand)
    assert not wrong
    figure("T9", "duplicated tasks, products, bills", 0, exactly=0)
    figure("T9", "duplicated outside effects", len(plant.effects()["duplicates"]), exactly=0)
    figure("T9", "pages and acts answered", statuses[200] + statuses[204], at_least=number * BY_HAND)
    figure("T9", "answers 429 or 503", refused)
    figure("T9", "other answers", len(people.visits) - statuses[200] - statuses[204] - refused, exactly=0)
    figure("T9", "pages idle, 95 of 100 within milliseconds", round(idle * 1000))
    figure("T9", "pages while thousands are worked on, as often", round(busy * 1000), **_twice(idle, full))
    figure("T9", "most memory of web, worker and beat in MB", max(watch.held) // MEGABYTE, at_most=BOUND)
    figure("T9", "memory at the end over the middle", round(watch.grown(), 2), at_most=1.25 if full else 2)


def _billed(plant: Plant, orders: list[int]) -> int:
    with plant.query() as database:
        return crowd.one(database, BILLED, orders)


def _count(
    plant: Plant, figure: Figure, orders: list[int], seconds: float, before: int, there: int, in_place: list[int],
    by_hand: int,
) -> None:  # fmt: skip
    """What became of the orders."""
    done = plant.finished(orders)
    figure("T9", "orders submitted at once", len(orders))
    figure("T9", "seconds that the trial lasted", round(seconds))
    figure("T9", "orders completed", done, at_least=1)
    figure("T9", "orders completed in a second", round(done / seconds, 2))
    figure("T9", "steps in a second, as the audit trail counts them", round((plant.steps() - before) / seconds))
    figure("T9", "orders lost", len(orders) - there, exactly=0)
    figure("T9", "open orders that nothing moves", in_place[0], exactly=0)
    figure("T9", "orders that were passed by later ones", in_place[1], at_most=by_hand + 8)


def _twice(idle: float, full: bool) -> dict[str, int]:
    """The small trial is too short, and its machine too busy, to hold it to this."""
    return {"at_most": round(2000 * idle)} if full else {}

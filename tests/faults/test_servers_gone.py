"""T2, T3: the broker loses all or is gone, the database is killed; the product goes on, and nobody is lied to."""

import time

import pytest

from tests.faults.conftest import Figure
from tests.faults.plant import Plant
from tests.faults.visitors import Visitors

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]


def visitors(plant: Plant, orders: list[int], people: int = 2) -> Visitors:
    """Order managers who read and write."""
    return Visitors(plant.stack.url, plant.person("order_manager"), orders[0], people=people)


def test_a_broker_that_forgets_and_stops_holds_nobody_up(plant: Plant, figure: Figure, full: bool) -> None:
    number, flushes, gone = (200, 10, 60) if full else (4, 2, 2)
    plant.running()
    orders = plant.crowd("submit", number)
    with visitors(plant, orders) as people:
        for flush in range(flushes):
            some = number * flush / flushes / 2
            plant.until(lambda some=some: plant.finished(orders) >= some, 240, "orders stand still")  # type: ignore[misc]
            plant.flush_broker()
        plant.stop_broker()
        stopped = time.time()
        try:
            plant.until(lambda: time.time() > stopped + gone, gone + 1, "time stands still")
        finally:
            plant.start_broker()
        while_gone = people.statuses(since=stopped)
        plant.until(lambda: plant.running() is None and plant.finished(orders) == number, 300, "orders stand still")
    assert plant.finished(orders) == number, "orders were lost with the broker"
    assert while_gone[200] > 0, "nobody was answered without a broker"
    assert set(people.statuses()) == {200}, f"pages failed: {people.statuses()}"
    assert people.failures == []
    figure("T2", "times that the broker lost everything", flushes)
    figure("T2", "seconds without a broker", gone)
    figure("T2", "orders not completed", number - plant.finished(orders), exactly=0)
    figure("T2", "pages and comments answered without a broker", while_gone[200], at_least=1)
    figure("T2", "other answers", sum(people.statuses().values()) - people.statuses()[200], exactly=0)
    figure("T2", "slowest answer in seconds", round(people.slowest(), 1), at_most=10)


def test_a_killed_database_costs_seconds_and_no_acknowledged_write(plant: Plant, figure: Figure, full: bool) -> None:
    number, kills = (100, 3) if full else (4, 1)
    plant.running()
    orders = plant.crowd("submit", number)
    back: list[float] = []
    with visitors(plant, orders) as people:
        for _ in range(kills):
            plant.until(lambda: len(people.acknowledged) > 2, 120, "nobody could write")
            plant.kill_database()
            time.sleep(2)  # the length of the outage, not a wait for something
            plant.start_database()
            back.append(seconds_to_a_page(plant, people))
        plant.until(lambda: plant.running() is None and plant.finished(orders) == number, 400, "orders stand still")
    statuses = people.statuses()
    bare = [visit for visit in people.visits if visit.status == 503 and not visit.retry_after]
    missing = set(people.acknowledged) - plant.comments()
    assert plant.finished(orders) == number, "orders were lost with the database"
    assert missing == set(), "what was answered as saved is gone"
    assert set(statuses) <= {200, 503}, f"answers besides 200 and 503: {statuses}"
    assert bare == [], "503 without Retry-After"
    figure("T3", "kills of the database", kills)
    figure("T3", "answers 503 with Retry-After", statuses[503] - len(bare), at_least=1)
    figure("T3", "answers other than 200 and 503", len(people.visits) - statuses[200] - statuses[503], exactly=0)
    figure("T3", "503 without Retry-After", len(bare), exactly=0)
    figure("T3", "seconds from the database's return to a page", round(max(back), 1), at_most=10)
    figure("T3", "acknowledged writes", len(people.acknowledged), at_least=3)
    figure("T3", "acknowledged writes missing", len(missing), exactly=0)
    figure("T3", "orders not completed", number - plant.finished(orders), exactly=0)


def seconds_to_a_page(plant: Plant, people: Visitors) -> float:
    """How long from now until somebody is answered as they should."""
    now = time.time()
    plant.until(lambda: people.good_since(now) is not None, 60, "the web did not come back")
    return people.good_since(now) or 0.0

"""T1: workers are killed at random points while orders run; nothing is lost, nothing happens twice."""

import os
import time

import pytest

from tests.faults import crowd
from tests.faults.conftest import Figure
from tests.faults.plant import Plant

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]

WHOLE = 0.1  # share of kills that take the worker with all its processes, not one of them


def test_workers_killed_at_random_points_lose_and_double_nothing(plant: Plant, figure: Figure, full: bool) -> None:
    orders, kills = size(1000 if full else 8, 400 if full else 20)
    first, sample = plant.steps(), max(8, orders // 5)
    made = plant.crowd("submit", sample)
    clean = run(plant, made, limit=240 + sample * 8) / sample * orders
    before, steps = plant.effects(), round((plant.steps() - first) / sample * orders)
    hunted, spent, killed = hunt(plant, orders, kills + kills // 8, steps)
    while killed < kills:  # what was left came too late; some more orders
        more, _, later = hunt(plant, orders // 2, kills - killed + 2, steps // 2)
        hunted += more
        killed += later
    plant.until(plant.quiet, 120, "something still waits")
    effects = plant.effects()
    with plant.query() as database:
        over = "SELECT count(*) FROM orders_order WHERE state = 'completed' AND id = ANY(%s)"
        completed = crowd.one(database, over, made + hunted)
        wrong = crowd.wrong(database)
        fallouts = crowd.one(database, "SELECT count(*) FROM fallout_fallout WHERE task_id IS NOT NULL")
        watched = crowd.one(database, "SELECT count(*) FROM fallout_fallout WHERE task_id IS NULL")
    figure("T1", "kills", killed, at_least=kills)
    figure("T1", "orders run while killing", len(hunted))
    figure("T1", "orders lost", len(made + hunted) - completed, exactly=0)
    figure("T1", "duplicated tasks, products, bills", sum(wrong.values()), exactly=0)
    figure("T1", "duplicated outside effects", len(effects["duplicates"]), exactly=0)
    missing = before["total"] + len(hunted) * crowd.EFFECTS - effects["total"]
    figure("T1", "outside effects missing", missing, exactly=0)
    figure("T1", "steps given to people without need", fallouts, exactly=0)
    figure("T1", "orders that the watchdog noticed to stand still", watched)
    figure("T1", "seconds without kills, for as many", round(clean, 1))
    figure("T1", "times as long with kills", round(spent / clean, 1), at_most=6 if full else 30)


def size(orders: int, kills: int) -> tuple[int, int]:
    """Orders and kills, others by FAULTS_ORDERS and FAULTS_KILLS for a trial of another size."""
    return int(os.environ.get("FAULTS_ORDERS") or orders), int(os.environ.get("FAULTS_KILLS") or kills)


def run(plant: Plant, orders: list[int], *, limit: float) -> float:
    """Seconds until all of these are over."""
    began = time.monotonic()
    plant.until(lambda: plant.finished(orders) == len(orders), limit, "orders stand still")
    return time.monotonic() - began


def hunt(plant: Plant, number: int, kills: int, steps: int) -> tuple[list[int], float, int]:
    """Orders come in while workers are killed, each time when some more has been done; orders, seconds and kills.

    `steps` is how many audit rows the orders will lead to.
    """
    first = plant.steps()
    began = time.monotonic()
    orders = plant.crowd("submit", number)
    killed = 0
    while (done := plant.finished(orders)) < number:
        assert time.monotonic() - began < 240 + number * 8, f"{done} of {number} orders\n{plant.words()}"
        if (plant.steps() - first) * kills > killed * steps:
            time.sleep(plant.random.uniform(0, 0.3))  # anywhere in what it does now
            killed += plant.kill_worker(whole=plant.random.random() < WHOLE)
        plant.running()
        time.sleep(0.05)
    return orders, time.monotonic() - began, killed

"""T6: web and workers are asked to stop while they work; what they have begun is finished, and nobody is cut off."""

import os
import signal
import time

import pytest

from tests.faults.conftest import Figure
from tests.faults.plant import Plant
from tests.faults.visitors import Visitors

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]

LONGEST = 30  # seconds that a stop may take


def test_processes_that_are_asked_to_stop_finish_what_they_are_at(plant: Plant, figure: Figure, full: bool) -> None:
    number, stops = (150, 20) if full else (4, 1)
    plant.running()
    orders = plant.crowd("submit", number)
    took: list[float] = []
    with Visitors(plant.stack.url, plant.person("order_manager"), orders[0], people=3, keep=False) as people:
        for _ in range(stops):
            served(plant, people)
            replaced(plant, "web")
            took.append(stopped(plant, "worker"))
            plant.running()
        served(plant, people)
        cut_off = list(people.failures)
        for _ in range(stops):
            took.append(stopped(plant, "web"))
            plant.running()
            served(plant, people)
        plant.until(lambda: plant.running() is None and plant.finished(orders) == number, 400, "orders stand still")
    kept = plant.comments()
    assert cut_off == []
    figure("T6", "stops of web processes, workers, and the whole web", 3 * stops)
    figure("T6", "requests answered meanwhile", people.statuses()[200], at_least=10)
    figure("T6", "requests cut off by a stop of a process", len(cut_off), exactly=0)
    figure(
        "T6", "answers other than 200", len(people.visits) - people.statuses()[200] - len(people.failures), exactly=0
    )
    figure("T6", "connections that nobody took while the web was down", len(people.failures))
    figure("T6", "writes without an answer that were made", len(kept & set(people.unanswered)), exactly=0)
    figure("T6", "acknowledged writes missing", len(set(people.acknowledged) - kept), exactly=0)
    figure("T6", "longest stop in seconds", round(max(took), 1), at_most=LONGEST)
    figure("T6", "orders not completed", number - plant.finished(orders), exactly=0)
    figure("T6", "duplicated outside effects", len(plant.effects()["duplicates"]), exactly=0)


def served(plant: Plant, people: Visitors) -> None:
    """Until some more have been answered."""
    wanted = people.statuses()[200] + 6
    plant.until(lambda: people.statuses()[200] > wanted, 60, "nobody is answered")


def replaced(plant: Plant, name: str) -> None:
    """SIGTERM to one process of a part; its parent starts another."""
    pid = plant.children(name)[0]
    os.kill(pid, signal.SIGTERM)
    plant.until(lambda: pid not in plant.children(name), LONGEST, f"a process of {name} does not stop")


def stopped(plant: Plant, name: str) -> float:
    """Seconds from SIGTERM of a part to its end."""
    process = plant.stack.processes[name]
    began = time.monotonic()
    process.end()
    plant.until(lambda: process.code is not None, LONGEST + 10, f"{name} does not stop")
    return time.monotonic() - began

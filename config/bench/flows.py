"""Flows to measure with: a ten-step diamond of automatic steps, and one by a person that an automatic one follows."""

import time
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from catalog.models import Specification
from crm import accounts
from crm.models import Site
from fulfillment import execution, planfile, planning, release
from fulfillment.models import Flow, Task
from fulfillment.planning import FlowRequest
from kernel import lifecycle

OWNER = "bench.owner"
MIDDLE = [f"step{n}" for n in range(1, 9)]
DIAMOND: list[dict[str, Any]] = [
    {"key": "first", "name": "First", "kind": "automatic"},
    *({"key": key, "name": key, "kind": "automatic", "after": ["first"]} for key in MIDDLE),
    {"key": "last", "name": "Last", "kind": "automatic", "after": MIDDLE},
]
PAIR: list[dict[str, Any]] = [
    {"key": "by_hand", "name": "By hand", "kind": "manual"},
    {"key": "next", "name": "Next", "kind": "automatic", "after": ["by_hand"]},
]
STEPS = len(DIAMOND)
PATIENCE = 60.0  # seconds that a run may take


class TooSlow(RuntimeError):
    """The work did not end in time; something is wrong with the workers."""


class Bench:
    """Plans and a site of their own in a scratch database."""

    def __init__(self) -> None:
        account = accounts.open_account(name="Bench N.V.", by=None)
        self.site: Site = accounts.add_site(
            account_id=account.pk, code="B-1", name="Bench", by=None, street="Kade 1", postcode="3011 AA",
            city="Rotterdam", country="NL",
        )  # fmt: skip
        self.owners = 0
        self.specifications = {key: self._specification(key, items) for key, items in self._plans().items()}

    @staticmethod
    def _plans() -> dict[str, list[dict[str, Any]]]:
        return {"bench_diamond": DIAMOND, "bench_pair": PAIR}

    @staticmethod
    def _specification(key: str, items: list[dict[str, Any]]) -> Specification:
        made = Specification.objects.create(key=key, kind="rfs", name=key)
        lifecycle.move(made, Specification.to_testing, by=None)
        lifecycle.move(made, Specification.activate, by=None)
        planfile.load([{"key": key, "specification": key, "items": items}])
        return made

    def plan(self, key: str, number: int) -> int:
        """Plan so many flows under one new root; the root's key."""
        specification, first = self.specifications[key], self.owners + 1
        self.owners += number
        planning.plan(
            FlowRequest(
                owner_type=OWNER, owner_id=owner, root_type=OWNER, root_id=first, root_number=f"B{first}",
                line_key=str(owner), account_id=self.site.account_id, site_id=self.site.pk,
                specification_id=specification.pk, specification_key=key, action="add", name=f"Flow {owner}",
            )
            for owner in range(first, self.owners + 1)
        )  # fmt: skip
        return first

    def run(self, number: int) -> float:
        """Seconds from the start of so many diamonds to the completion of the last, by the workers that run."""
        root = self.plan("bench_diamond", number)
        start = time.monotonic()
        execution.start(OWNER, root)
        wait_for(lambda: not Flow.objects.filter(root_type=OWNER, root_id=root).exclude(state="completed").exists())
        return time.monotonic() - start

    def latencies(self, number: int, pause: float) -> list[float]:
        """Milliseconds from a step that is done to its started successor, one after the other with a pause between."""
        root = self.plan("bench_pair", number)
        execution.start(OWNER, root)
        keys = list(Task.objects.filter(flow__root_id=root, key="by_hand").order_by("pk").values_list("pk", flat=True))
        for key in keys:
            with transaction.atomic():
                begun = lifecycle.move_many(Task.objects.filter(pk=key), Task.start, by=None)
                release.begun(begun)
                release.finish(Task.objects.filter(pk=key), {})
            time.sleep(pause)
        later = Task.objects.filter(flow__root_id=root, key="next")
        wait_for(lambda: later.filter(state="completed").count() == number)
        ended = dict(Task.objects.filter(pk__in=keys).values_list("flow", "ended_at"))
        rows = later.values_list("flow", "started_at")
        return sorted((started - ended[flow]).total_seconds() * 1000 for flow, started in rows)


def wait_for(condition: Callable[[], bool]) -> None:
    """Look until it holds. Raises TooSlow."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TooSlow(f"Not done after {PATIENCE:.0f} s.")
        time.sleep(0.02)


def transactions() -> int:
    """Transactions of this database so far, as far as its processes have told."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])

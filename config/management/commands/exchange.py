"""Start two installations on loopback, pair them, and let one order from the other until the end comes back."""

import json
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError, CommandParser
from psycopg.rows import dict_row

from config.demo import exchanging
from config.stack import Stack, scratch

PARTS = ("web", "worker", "beat")
PATIENCE = 120.0  # seconds for each thing that has to happen by itself
OVER = ("completed", "failed", "cancelled", "rejected", "partial", "refused")
NEWS = """
SELECT number, number_there AS there, status AS state, problem,
    jsonb_path_query_array(milestones, '$[*].text') AS milestones,
    ARRAY(SELECT name FROM kernel_document WHERE subject_type = 'crm.partnerrequest' AND subject_id = request.id
        ORDER BY id) AS documents
FROM crm_partnerrequest request ORDER BY id DESC LIMIT 1
"""  # asked many times: a command would have to start for each


class Command(BaseCommand):
    """Exit code 0 when the order was completed there and is known as completed here."""

    help = (
        "Let two installations of their own exchange an order, through an outage of the seller, and print how it went."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of the trace")
        parser.add_argument("--act", choices=("invite", "join", "request", "share", "orders"), help="one act, here")
        parser.add_argument("--url", default="", help="of the seller, with --act join")
        parser.add_argument("--code", default="", help="of the seller, with --act join")

    def handle(self, *args: Any, **options: Any) -> None:
        if act := options["act"]:
            given = (options["url"], options["code"]) if act == "join" else ()
            self.stdout.write(json.dumps(getattr(exchanging.here(), act)(*given)))
            return
        self.quiet, self.began = options["json"], time.monotonic()
        with ThreadPoolExecutor(2) as starters, ExitStack() as both:  # processes end with the thread that started them
            seller, buyer = starters.map(lambda _: both.enter_context(_installation()), range(2))
            told = self._exchange(seller, buyer)
        if self.quiet:
            self.stdout.write(json.dumps(told | {"seconds": round(time.monotonic() - self.began, 1)}))
        if told["state"] != "completed":
            raise CommandError(f"The order ended as {told['state']}.")

    def _exchange(self, seller: Stack, buyer: Stack) -> dict[str, Any]:
        self._say(f"seller at {seller.url}, buyer at {buyer.url}")
        code = _act(seller, "invite")["code"]
        self._say("the seller publishes one offering and gives a code")
        joined = _act(buyer, "join", "--url", seller.url, "--code", code)
        self._say(f"the buyer redeems it and sees {', '.join(joined['offerings'])}")
        seller.kill("web")
        number = _act(buyer, "request")["number"]
        waiting = self._until(lambda: _look(buyer), lambda found: bool(found["problem"]))
        self._say(f"the seller is down: {number} is {waiting['state']} ({waiting['problem']})")
        seller.launch("web")
        taken = self._until(lambda: _look(buyer), lambda found: bool(found["there"]))
        self._say(f"the seller is back and has taken it as {taken['there']}")
        shared = _act(seller, "share")["document"]
        done = self._until(
            lambda: _look(buyer), lambda found: found["state"] in OVER and shared in found["documents"]
        )  # fmt: skip
        self._say(f"{number} is {done['state']} here; on the way: {', '.join(done['milestones'])}")
        self._say(f"documents that came along: {', '.join(done['documents'])}")
        there = _act(seller, "orders")["orders"]
        self._say(f"there: {there}")
        return done | {"waited_for": waiting["problem"], "orders_there": there}

    def _until(
        self, look: Callable[[], dict[str, Any]], reached: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:  # fmt: skip
        end = time.monotonic() + PATIENCE
        while not reached(found := look()):
            if time.monotonic() > end:
                raise CommandError(f"Nothing more happened: {found}")
            time.sleep(0.2)
        return found

    def _say(self, line: str) -> None:
        if not self.quiet:
            self.stdout.write(f"{time.monotonic() - self.began:6.1f} s  {line}")


def _installation() -> Any:
    environment = {"HUB_ALLOW_PRIVATE": "1", "SECRET_KEY": secrets.token_hex(32)}
    return scratch(only=PARTS, stocked=True, concurrency=1, environment=environment)


def _look(stack: Stack) -> dict[str, Any]:
    """How far the request is, as its installation knows."""
    with psycopg.connect(stack.environment["DATABASE_URL"], row_factory=dict_row) as connection:
        return connection.execute(NEWS).fetchone() or {}


def _act(stack: Stack, act: str, *more: str) -> dict[str, Any]:
    done = stack.manage("exchange", "--act", act, *more)
    if done.returncode:
        raise CommandError(f"{act} failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found

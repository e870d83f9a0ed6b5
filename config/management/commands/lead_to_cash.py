"""Drive one deal from lead to live service, by the acts that the screens use, on live workers."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.demo import journey, people, sites
from config.processes import inherited
from config.stack import ROOT, Stack, scratch
from kernel.refusal import Refusal

PARTS = ("simulator", "web", "worker", "beat")
MANY = 50  # sites from which on the workers are given more time
PING = 1.0  # seconds that a running worker has to answer


class Command(BaseCommand):
    """Exit code 0 when the order is completed and every product is active and billed, else 1."""

    help = "Take one deal from lead to live service and print how it went."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sites", help="a CSV of sites, or how many to make, instead of the demo's own")
        parser.add_argument("--leave-fallout", action="store_true", help="whoever works the desk mends what falls out")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of the trace")
        parser.add_argument("--scratch", action="store_true", help="use a database, broker and processes of its own")
        parser.add_argument("--attached", action="store_true", help="workers and simulator are running already")

    def handle(self, *args: Any, **options: Any) -> None:
        content = _content(options["sites"] or "")
        if options["scratch"]:
            sys.exit(self._beside(options))
        team = people.present()
        if len(team) < len(people.PEOPLE):
            raise CommandError("The demo's people are not here. Run `seed_demo --bare` first, or use --scratch.")
        with self._engine(options["attached"]):
            outcome = self._run(team, content, options)
        if not outcome.right:
            sys.exit(1)

    def _beside(self, options: dict[str, Any]) -> int:
        """Run this command again inside a stack of its own; its exit code."""
        again = [sys.executable, "manage.py", "lead_to_cash", "--attached"]
        again += ["--json"] if options["json"] else []
        again += ["--sites", _absolute(options["sites"])] if options["sites"] else []
        again += ["--leave-fallout"] if options["leave_fallout"] else []
        with scratch(only=PARTS, stocked=True) as stack:
            return subprocess.run(again, cwd=ROOT, env=inherited() | stack.environment, check=False).returncode

    @contextmanager
    def _engine(self, attached: bool) -> Iterator[None]:
        """Workers and a network to work with: those that run, else our own for the time being."""
        if attached or current_app.control.ping(timeout=PING):
            yield
            return
        self.stderr.write("No worker is running; starting one for this journey.")
        with Stack(only=PARTS):
            yield

    def _run(self, team: dict[str, Any], content: bytes, options: dict[str, Any]) -> journey.Outcome:
        began = time.monotonic()
        mends = not options["leave_fallout"]
        settle = journey.settle_many if content.count(b"\n") > MANY else journey.settle_live
        told = journey.Journey(team, sites_file=content, settle=settle, mends=mends)
        try:
            for steps in (told.to_approved_order(), told.to_live_services()):
                for line in steps:
                    self._say(began, line, quiet=options["json"])
        except (Refusal, journey.Stuck) as problem:
            raise CommandError(f"The journey ended early: {problem}") from problem
        outcome = told.outcome()
        figures = asdict(outcome) | {"seconds": round(time.monotonic() - began, 1)}
        if options["json"]:
            self.stdout.write(json.dumps(figures))
        else:
            self.stdout.write("\n".join(f"{name.replace('_', ' '):<22}{value}" for name, value in figures.items()))
        return outcome

    def _say(self, began: float, line: str, *, quiet: bool) -> None:
        if not quiet:
            self.stdout.write(f"{time.monotonic() - began:6.1f} s  {line}")


def _content(asked: str) -> bytes:
    """The site file that was asked for: one that is there, one made with so many sites, or the demo's own."""
    if asked and not asked.isdecimal():
        if not Path(asked).is_file():
            raise CommandError(f"There is no file {asked}.")
        return Path(asked).read_bytes()
    try:
        return sites.file(int(asked or 0))
    except ValueError as error:
        raise CommandError(str(error)) from error


def _absolute(asked: str) -> str:
    return asked if asked.isdecimal() else str(Path(asked).resolve())

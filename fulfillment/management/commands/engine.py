"""The engine for operators: how it stands, the maintenance switch, and a sweep by hand."""

import datetime as dt
import json
from argparse import ArgumentParser
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.timesince import timesince, timeuntil

from fulfillment import maintenance, recovery, standing
from kernel import sweeping
from kernel.refusal import Refusal


class Command(BaseCommand):
    """`manage.py engine status`, `engine pause --reason "…"`, `engine resume`, `engine sweep`.

    Exit code 0: done. 1: refused, with the reason: no reason given, paused already, not paused. 2: no such act.
    """

    help = (
        "Show how the engine stands, pause or resume it, or find what no message announced. "
        "Exit code 0: done. 1: refused, with the reason. 2: no such act."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", choices=["status", "pause", "resume", "sweep"])
        parser.add_argument("--reason", default="", help="Why it is paused; everybody who waits reads it.")
        parser.add_argument("--json", action="store_true", help="One JSON object instead of words.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            told = self.do(options["act"], options["reason"])
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["json"]:
            self.stdout.write(json.dumps(told, default=str))
            return
        for name, value in told.items():
            self.stdout.write(f"{name.replace('_', ' '):<24}{_said(value)}".rstrip())

    def do(self, act: str, reason: str) -> dict[str, Any]:
        """One act and what it found."""
        if act == "pause":
            return {"paused": maintenance.pause(by=None, reason=reason).reason}
        if act == "resume":
            return {"resumed": maintenance.resume(by=None).reason}
        if act == "sweep":
            current_app.loader.import_default_modules()  # each app says beside its tasks what to look for
            return {"retried": recovery.sweep(), "woken": sweeping.look()}
        return standing.now().as_json()


def _said(value: Any) -> str:
    """A value for people: times in this server's zone with how long ago, nothing as a dash."""
    if isinstance(value, dt.datetime):
        far = f"in {timeuntil(value)}" if value > timezone.now() else f"{timesince(value)} ago"
        return f"{timezone.localtime(value):%Y-%m-%d %H:%M:%S %Z}, {far}".replace("\xa0", " ")
    if isinstance(value, dict):
        return ", ".join(f"{key} {_said(one)}" for key, one in value.items()) or "–"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return "–" if value in (None, "") else str(value)

"""The engine for operators: how it stands, the maintenance switch, and a sweep by hand."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fulfillment import maintenance, recovery, standing
from kernel.refusal import Refusal


class Command(BaseCommand):
    """`manage.py engine status`, `engine pause --reason "…"`, `engine resume`, `engine sweep`."""

    help = "Show how the engine stands, pause or resume it, or find what no message announced."

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
            words = ", ".join(f"{key} {n}" for key, n in value.items()) if isinstance(value, dict) else value
            self.stdout.write(f"{name.replace('_', ' '):<24}{'' if words is None else words}".rstrip())

    def do(self, act: str, reason: str) -> dict[str, Any]:
        """One act and what it found."""
        if act == "pause":
            return {"paused": maintenance.pause(by=None, reason=reason).reason}
        if act == "resume":
            return {"resumed": maintenance.resume(by=None).reason}
        if act == "sweep":
            return {"retries": recovery.sweep()}
        return standing.now().as_json()

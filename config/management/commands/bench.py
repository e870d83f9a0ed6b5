"""Measure: figures of a group beside the limits of this machine, in a database and with processes of their own."""

import json
import subprocess
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import bench
from config.processes import inherited
from config.stack import ROOT, scratch


class Command(BaseCommand):
    """Exit code 0 when every goal is met, else 1."""

    help = "Measure a group of figures and print them as a table, or as a JSON list."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("group", choices=bench.groups())
        parser.add_argument("--json", action="store_true", help="print one JSON list instead of a table")
        parser.add_argument("--here", action="store_true", help="measure in this database, which keeps the work")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["here"]:
            sys.exit(self._beside(options))
        figures = []
        try:
            for figure in bench.measure(options["group"], lambda text: self.stderr.write(f"… {text}")):
                figures.append(figure)
                (self.stderr if options["json"] else self.stdout).write(self.line(figure))
        except RuntimeError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps([figure.as_json() for figure in figures], ensure_ascii=False, indent=1))
        if not all(figure.ok for figure in figures):
            sys.exit(1)

    @staticmethod
    def line(figure: bench.Figure) -> str:
        """One figure as a row of the table."""
        beside = f"{figure.ratio:g} × {figure.limit:g}" if figure.ratio is not None else ""
        verdict = "" if not figure.goal else "ok" if figure.ok else "MISSED"
        value = f"{figure.value:>10,g} {figure.unit:<10}"
        return f"{figure.id:<19}{figure.name:<62}{value}{beside:<16}{figure.goal:<42}{verdict}".rstrip()

    def _beside(self, options: dict[str, Any]) -> int:
        """Run this command again inside a scratch stack; its exit code."""
        again = [sys.executable, "manage.py", "bench", options["group"], "--here"]
        again += ["--json"] if options["json"] else []
        with scratch(only=()) as stack:
            if (done := stack.manage("synchronise_roles")).returncode:
                raise CommandError(done.stderr)
            return subprocess.run(again, cwd=ROOT, env=inherited() | stack.environment, check=False).returncode

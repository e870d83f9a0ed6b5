"""Look for trouble, and say what to do about it."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config import doctor


class Command(BaseCommand):
    """Exit code 1 when there is any trouble."""

    help = "Look at servers, settings, clocks, workers and stuck work. Exit code 0: all is well. 1: any trouble."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON list instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        found = doctor.examine()
        if options["json"]:
            self.stdout.write(json.dumps([finding.as_json() for finding in found], ensure_ascii=False))
        else:
            for finding in found:
                self.stdout.write(f"{'ok' if finding.ok else 'TROUBLE':<9}{finding.area:<12}{finding.text}")
                if finding.todo:
                    self.stdout.write(f"{'':<21}→ {finding.todo}")
        if not all(finding.ok for finding in found):
            sys.exit(1)

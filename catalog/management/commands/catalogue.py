"""Catalogue files in and out: `catalogue import FILE [--dry-run]`, `catalogue export FILE`, `catalogue diff FILE`."""

import json
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog import publication
from kernel.refusal import Refusal


class Command(BaseCommand):
    """Exit code 0 when done, 1 when refused; `--json` prints the changes as one list."""

    help = "Import, export or compare the catalogue as YAML."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=["import", "export", "diff"])
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="show what would change, keep nothing")
        parser.add_argument("--json", action="store_true", help="print the changes as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["act"] == "export":
            text = yaml.safe_dump(publication.dump(), sort_keys=False, allow_unicode=True, width=120)
            options["file"].write_text(text, encoding="utf-8")
            self.stdout.write(f"Written to {options['file']}.")
            return
        dry = options["dry_run"] or options["act"] == "diff"
        try:
            changes = publication.load(publication.read(options["file"]), None, dry_run=dry)
        except Refusal as refusal:
            lines = [
                f"{place or options['file']}: {text}" for place, texts in refusal.problems.items() for text in texts
            ]
            raise CommandError("The file was refused; nothing was changed.\n" + "\n".join(lines)) from refusal
        self._report(changes, dry, as_json=options["json"])

    def _report(self, changes: list[publication.Change], dry: bool, *, as_json: bool) -> None:
        touched = [change for change in changes if change.kind != "same"]
        if as_json:
            self.stdout.write(json.dumps([change.__dict__ for change in touched], default=str))
            return
        for change in touched:
            self.stdout.write(f"{change.kind:8} {change.section} {change.name}")
            for name, (old, new) in change.fields.items():
                self.stdout.write(f"         {name}: {old} → {new}")
        same = len(changes) - len(touched)
        self.stdout.write(f"{len(touched)} {'would change' if dry else 'changed'}, {same} as they were.")

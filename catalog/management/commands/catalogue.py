"""Catalogue files in and out, and a check: `catalogue import|diff|export FILE [--dry-run]`, `catalogue check`."""

import json
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog import publication, rulebook, soundness
from kernel.refusal import Refusal


class Command(BaseCommand):
    """Exit code 0 when done, 1 when refused; `--json` prints the changes as one list."""

    help = "Import, export or compare the catalogue as YAML."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=["import", "export", "diff", "check"])
        parser.add_argument("file", type=Path, nargs="?", help="not asked for by check")
        parser.add_argument("--dry-run", action="store_true", help="show what would change, keep nothing")
        parser.add_argument("--json", action="store_true", help="print the changes as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["act"] == "check":
            self._check(as_json=options["json"])
            return
        if options["file"] is None:
            raise CommandError("Name the file.")
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

    def _check(self, *, as_json: bool) -> None:
        """Whether every rule in force can still be followed, after whatever was changed around it."""
        book = rulebook.newest()
        wrong = {str(rule): found for rule in book if (found := soundness.of(rule, book))}
        if as_json:
            self.stdout.write(json.dumps(wrong))
        elif not wrong:
            self.stdout.write(f"{len(book)} rules, all sound.")
        if wrong:
            said = [
                f"{name} {place}: {' '.join(texts)}" for name, found in wrong.items() for place, texts in found.items()
            ]
            raise CommandError("\n".join(said))

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

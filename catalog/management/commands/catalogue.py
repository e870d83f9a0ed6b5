"""Catalogue files in and out, a check of the rules and the test bench: see `catalogue --help`."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog import publication, rulebook, soundness, testbench
from catalog.models import Offering, SampleOrder, Specification
from kernel.refusal import Refusal


class Command(BaseCommand):
    """Exit code 0 when done, 1 when refused; `--json` prints the changes as one list."""

    help = "Import, export or compare the catalogue as YAML."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=["import", "export", "diff", "check", "bench"])
        parser.add_argument("file", type=Path, nargs="?", help="not asked for by check and bench; export takes - too")
        parser.add_argument("--section", action="append", default=[], help="export only this section; may be repeated")
        parser.add_argument(
            "--draft", help="bench: try this version, as offering:KEY:VERSION or specification:KEY:VERSION"
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would change, keep nothing")
        parser.add_argument("--json", action="store_true", help="print the changes as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["act"] == "check":
            self._check(as_json=options["json"])
            return
        if options["act"] == "bench":
            self._bench(options["draft"], as_json=options["json"])
            return
        if options["file"] is None:
            raise CommandError("Name the file.")
        if options["act"] == "export":
            text = publication.write_text(publication.dump(options["section"]))
            if str(options["file"]) == "-":
                self.stdout.write(text)
                return
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

    def _bench(self, wanted: str | None, *, as_json: bool) -> None:
        """Every sample order, as things stand or under a draft; exit code 1 when one breaks."""
        draft = _draft(wanted) if wanted else None
        samples = SampleOrder.objects.select_related("price_list").order_by("name")
        found = testbench.judge_all(draft) if draft else [testbench.judge(sample) for sample in samples]
        told = [
            {
                "sample": one.sample.key, "red": one.red, "differs": one.differs, "problems": one.after.problems,
                "added": one.count("added"), "gone": one.count("gone"), "changed": one.count("changed"),
                "monthly": str(one.after.total()), "monthly_before": str(one.before.total()),
            }
            for one in found
        ]  # fmt: skip
        if as_json:
            self.stdout.write(json.dumps(told))
        for row in [] if as_json else told:
            word = "breaks" if row["red"] else "differs" if row["differs"] else "as before"
            self.stdout.write(f"{row['sample']:30} {word:10} {row['monthly']:>12} a month")
        if any(one.red for one in found):
            raise CommandError(
                "; ".join(f"{one.sample.key}: {' '.join(one.after.problems)}" for one in found if one.red)
            )

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


def _draft(wanted: str) -> Offering | Specification:
    """The version named on the command line. Raises CommandError."""
    kind, _, rest = wanted.partition(":")
    key, _, version = rest.partition(":")
    model: Any = {"offering": Offering, "specification": Specification}.get(kind)
    found: Offering | Specification | None = (
        model.objects.filter(key=key, version=int(version)).first() if model and version.isdecimal() else None
    )
    if found is None:
        raise CommandError(f"There is no version “{wanted}”. Write it as offering:dia:2.")
    return found

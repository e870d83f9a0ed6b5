"""Bring the catalogues of other languages to what templates and code say now; `--check` only says what is missing."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.words import catalogues, collecting, compiling


class Command(BaseCommand):
    """`manage.py messages`, also `make messages`; docs/translating.md."""

    help = "Collects what is to be translated into locale/, without a gettext of the system."

    def add_arguments(self, parser: CommandParser) -> None:
        """What the command takes."""
        parser.add_argument("--check", action="store_true", help="write nothing; fail when a translation is missing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the catalogues, or judge them."""
        if options["check"]:
            wrong = catalogues.problems()
            for line in wrong:
                self.stdout.write(line)
            if wrong:
                raise CommandError(f"{len(wrong)} texts lack their words. Run `make messages` and write them.")
            return
        for path, found in ((one, collecting.of(one.stem)) for one in compiling.files()):
            missing = catalogues.write(path, found)
            self.stdout.write(f"{path.relative_to(collecting.ROOT)}: {missing} without words")
        compiling.compile_stale()

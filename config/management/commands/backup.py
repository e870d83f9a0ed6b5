"""Write database and documents to one file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import backup


class Command(BaseCommand):
    """`manage.py backup FILE`."""

    help = "Write database and documents to one new file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            backup.write(options["file"])
        except (backup.Failed, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{options['file']} holds database and documents.")

"""Put database and documents back from a backup."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from config import backup


class Command(BaseCommand):
    """`manage.py restore FILE [--replace]`."""

    help = "Put database and documents back from a backup. Stop the product first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--replace", action="store_true", help="even though the database holds people")

    def handle(self, *args: Any, **options: Any) -> None:
        users = get_user_model()
        made = users._meta.db_table in connection.introspection.table_names()
        if made and users.objects.exists() and not options["replace"]:
            raise CommandError("This database holds people. With --replace, the backup takes the place of everything.")
        try:
            backup.read(options["file"])
        except (backup.Failed, OSError) as error:
            raise CommandError(str(error)) from error
        call_command("migrate", verbosity=0, interactive=False)
        self.stdout.write("Database and documents are as in the backup, migrated to this version.")

"""Bring the groups to the roles that the code grants."""

from typing import Any

from django.core.management.base import BaseCommand

from kernel import roles


class Command(BaseCommand):
    """Safe to run again; part of every start and deployment."""

    help = "Create the roles as groups and give each its permissions."

    def handle(self, *args: Any, **options: Any) -> None:
        roles.synchronise()
        if options["verbosity"]:
            self.stdout.write(f"{len(roles.ROLES)} roles are up to date.")

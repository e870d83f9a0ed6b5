"""Fill an empty database with the demo provider, its customers and one deal that is being delivered."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.demo import people, story
from crm.models import Account


class Command(BaseCommand):
    """Safe to run again: what is there stays, people get the demo password back."""

    help = "Fill the database with the demo provider, its people and customers."
    PASSWORD = people.PASSWORD

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bare", action="store_true", help="catalogue and people only, no customers")
        parser.add_argument("--dry-run", action="store_true", help="say what would be made, keep nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        plan = ["catalogue, plans, decision tables", f"{len(people.PEOPLE)} people, one per role, and an administrator"]
        if not options["bare"]:
            plan.append("customers, leads and a deal in delivery")
        if options["dry_run"]:
            self.stdout.write("\n".join(f"would make: {line}" for line in plan))
            return
        team = story.provider()
        if options["bare"]:
            self.stdout.write("The provider is there.")
            return
        if Account.objects.exists():
            raise CommandError("There are customers already; the demo is for an empty database. Nothing was added.")
        for line in story.tell(team):
            self.stdout.write(line)
        self.stdout.write(f"Everybody's password is {people.PASSWORD}.")

"""Fill a demo database with customers and orders by the ten thousand."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.demo import volume

MOST = 1_000_000


class Command(BaseCommand):
    """Each run adds as many more; it all stands or none of it."""

    help = "Add made-up customers and orders by the ten thousand to a demo database, to see lists as they grow."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--orders", type=int, default=10_000, help=f"how many more, up to {MOST:,}")
        parser.add_argument("--anywhere", action="store_true", help="also beside people who are not the demo's")
        parser.add_argument("--dry-run", action="store_true", help="say what would be made, keep nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        orders = options["orders"]
        if not 1 <= orders <= MOST:
            raise CommandError(f"--orders is a number from 1 to {MOST:,}.")
        if not options["anywhere"]:
            try:
                volume.require_demo()
            except volume.NotDemo as refusal:
                raise CommandError(str(refusal)) from refusal
        if options["dry_run"]:
            self.stdout.write(f"would make: {orders:,} orders of {max(orders // volume.ORDERS_OF_ONE, 1):,} customers")
            return
        begun = time.monotonic()
        volume.make(orders, lambda text: self.stderr.write(f"… {text}"))
        self.stdout.write(f"{orders:,} orders more, in {time.monotonic() - begun:.0f} s.")

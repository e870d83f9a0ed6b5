"""Be the network: provisioning, inventory, porting, logistics, billing and access carriers, simulated."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from fulfillment.simulator.server import Simulator


class Command(BaseCommand):
    """`manage.py simulate_network --port 8099`."""

    help = "Simulate the network that adapters talk to, until Ctrl-C or SIGTERM."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8099)
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen at.")
        parser.add_argument("--state", default="", help="SQLite file; by default under var/.")
        parser.add_argument("--callback-url", default="", help="Where callbacks go; by default BASE_URL.")
        parser.add_argument("--latency", type=float, default=0.0, help="Seconds that an answer takes.")
        parser.add_argument("--delay", type=float, default=0.3, help="Seconds until a callback.")

    def handle(self, *args: Any, **options: Any) -> None:
        settings.VAR.mkdir(parents=True, exist_ok=True)
        try:
            simulator = Simulator(
                port=options["port"], file=options["state"] or str(settings.VAR / "simulator.sqlite3"),
                callback_url=options["callback_url"] or settings.BASE_URL, secret=settings.CALLBACK_SECRET,
                latency=options["latency"], delay=options["delay"], host=options["host"],
            )  # fmt: skip
        except OSError as error:
            raise CommandError(f"Port {options['port']} cannot be used: {error}") from error

        def end(*_: Any) -> None:
            threading.Thread(target=simulator.stop, daemon=True).start()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        self.stdout.write(f"The simulated network listens at http://127.0.0.1:{simulator.port}")
        simulator.serve()
        simulator.close()

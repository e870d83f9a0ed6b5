"""Be the network: provisioning, inventory, porting, logistics, billing and access carriers, simulated."""

import json
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from fulfillment.simulator import control
from fulfillment.simulator.control import FAULTS
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

        parser.add_argument(
            "--fault", action="append", default=[], metavar="KIND[:OPERATION[:TIMES]]",
            help="Set a fault in the network that runs, such as lost_answer:port.create:3; see fulfillment/simulator.",
        )  # fmt: skip
        parser.add_argument("--share", type=float, help="With --fault: the part of the calls that it meets, as 0.02.")
        parser.add_argument("--no-faults", action="store_true", help="Take all faults out of the network that runs.")
        parser.add_argument("--effects", action="store_true", help="Print what had an effect in the one that runs.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["fault"] or options["no_faults"] or options["effects"]:
            self._control(options)
        else:
            self._simulate(options)

    def _control(self, options: dict[str, Any]) -> None:
        """Talk to the network that runs at SIMULATOR_URL; print what it says."""
        share = {"share": options["share"]} if options["share"] is not None else {}
        told: Any
        try:
            if options["fault"]:
                told = control.add([_fault(text) | share for text in options["fault"]])
            elif options["no_faults"]:
                told = control.replace([])
            else:
                told = control.effects()
        except control.NoNetwork as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(told, indent=1))

    def _simulate(self, options: dict[str, Any]) -> None:
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


def _fault(text: str) -> dict[str, Any]:
    """A fault as typed: its kind, the operation that it meets (any), how often (for ever)."""
    kind, operation, times = (*text.split(":"), "", "")[:3]
    if kind not in FAULTS:
        raise CommandError(f"There is no fault “{kind}”; choose from {', '.join(FAULTS)}.")
    try:
        return {"kind": kind, "operation": operation or "*", "times": int(times or -1)}
    except ValueError as error:
        raise CommandError(f"“{times}” is not a number of times.") from error

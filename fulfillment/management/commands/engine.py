"""The engine for operators: what it has to do, and a sweep by hand."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count, Min, Q
from django.utils import timezone

from fulfillment import recovery
from fulfillment.models import MACHINE, Flow, Task


class Command(BaseCommand):
    """`manage.py engine status`, `manage.py engine sweep`."""

    help = "Show what the engine has to do, or find what no message announced."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", choices=["status", "sweep"])
        parser.add_argument("--json", action="store_true", help="One JSON object instead of words.")

    def handle(self, *args: Any, **options: Any) -> None:
        told = self.status() if options["act"] == "status" else {"retries": recovery.sweep()}
        if options["json"]:
            self.stdout.write(json.dumps(told, default=str))
            return
        for name, value in told.items():
            self.stdout.write(f"{name.replace('_', ' '):<24}{value}")

    def status(self) -> dict[str, Any]:
        """Counts by state, and whatever should not be there."""
        now = timezone.now()
        waiting = Q(state=Task.State.READY, kind__in=MACHINE, flow__state__in=["planned", "in_progress"])
        found = Task.objects.aggregate(
            ready_for_machine=Count("pk", filter=waiting),
            oldest_ready=Min("updated_at", filter=waiting),
            leases_expired=Count("pk", filter=Q(state=Task.State.IN_PROGRESS, lease_until__lt=now)),
            retries_waiting=Count("pk", filter=Q(state=Task.State.FAILED)),
            in_fallout=Count("pk", filter=Q(state=Task.State.ON_HOLD) & ~Q(problem="")),
        )
        tasks = dict(Task.objects.values_list("state").annotate(Count("pk")).order_by("state"))
        flows = dict(Flow.objects.values_list("state").annotate(Count("pk")).order_by("state"))
        return {**found, "tasks": tasks, "flows": flows}

"""Send what waits for listening systems, or send notifications once more."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.dateparse import parse_datetime

from kernel.models import Delivery
from kernel.rest import sending


class Command(BaseCommand):
    """Safe to run twice: whoever listens tells repetitions by the id of the event."""

    help = "Send notifications that wait; with --again or --since, also such as were sent before."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--again", nargs="*", type=int, default=[], help="keys of deliveries to send once more")
        parser.add_argument("--since", help="everything made since this moment, such as 2027-03-31T12:00:00Z")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be sent")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = Delivery.objects.filter(pk__in=options["again"])
        if options["since"]:
            moment = parse_datetime(options["since"])
            rows = Delivery.objects.filter(created_at__gte=moment) if moment else rows
        keys = list(rows.values_list("pk", flat=True))
        repeated = len(keys) if options["dry_run"] else sending.again(keys)
        sent = 0 if options["dry_run"] else sending.send_due()
        told = {"repeated": repeated, "sent": sent}
        self.stdout.write(json.dumps(told) if options["json"] else f"{repeated} made due again, {sent} sent.")

"""A roll-out: an order of many sites of the demo's catalogue, made by the real acts, then launched under a clock.

Run as `python -m config.bench.rollout SITES`, so that the peak of memory is the launch's own.
"""

import json
import resource
import sys
import time

import django
from django.db import transaction

HEADER = (
    "account,code,name,street,postcode,city,country,latitude,longitude,region,contact_name,contact_email,contact_phone,"
    "bandwidth,size,firewall"
)
MORE = {"sdwan": {"ha": True}, "firewall": {"dmz": True}}  # two devices and a DMZ at each site


def site_file(company: str, sites: int) -> bytes:
    """A site file with SD-WAN, internet and a firewall at each site."""
    rows = [
        f"{company},S-{n:04d},Branch {n},Kade {n},3011 AA,Rotterdam,NL,51.{88000 + n},4.{43000 + n},metro,Sam Branch,"
        f"sam{n}@branch.example,+31 10 555 {n:04d},500M,M,plus"
        for n in range(1, sites + 1)
    ]
    return "\n".join([HEADER, *rows]).encode()


def make(sites: int) -> int:
    """The key of an approved order of so many sites."""
    from config.demo import story
    from contracts import quoteimport, quoting
    from contracts.models import Quote
    from crm import accounts
    from kernel import lifecycle
    from orders import approval, capture, editing, enrichment, questions, submission
    from orders.models import Order, OrderLine

    team = story.provider()
    mira, tom, ravi = team["sales_agent"], team["order_agent"], team["order_fulfilment_agent"]
    company = f"Roll-out {sites} N.V."
    account = accounts.open_account(name=company, by=mira, tier="gold", credit_limit=10_000_000)
    contact = accounts.add_contact(
        account_id=account.pk, first_name="Rolf", last_name="Out", email=f"rolf{sites}@branch.example", by=mira
    )
    profile = accounts.add_billing_profile(
        account_id=account.pk, by=tom, invoice_email="invoices@branch.example", street="Kade 1", postcode="3011 AA",
        city="Rotterdam", country="NL",
    )  # fmt: skip
    quote = quoting.create(by=mira, account_id=account.pk, title=f"{sites} sites")
    quoteimport.import_sites(quote_id=quote.pk, content=site_file(company, sites), by=mira)
    quote = Quote.objects.get(pk=quote.pk)
    for move in (Quote.submit, Quote.approve, Quote.present, Quote.accept):
        lifecycle.move(quote, move, by=None)
    order = capture.from_quote(quote_id=quote.pk, by=tom)
    editing.edit(order_id=order.pk, by=tom, changes={"billing_profile": profile.pk, "contact": contact.pk})
    lines = list(order.lines.filter(offering__key__in=MORE).select_related("offering"))
    for line in lines:
        line.characteristics |= MORE[line.offering.key]
    OrderLine.objects.bulk_update(lines, ["characteristics"], batch_size=500)
    submission.submit(order_id=order.pk, by=tom)
    enrichment.run(order_id=order.pk)
    if asked := questions.waiting(Order.objects.get(pk=order.pk)):
        answers = {row.pk: row.characteristic.choices[0] if row.characteristic.choices else 1 for row in asked}
        enrichment.supply_all(order_id=order.pk, values=answers, by=ravi)
    while step := _next_step(order.pk):
        approval.decide(step_id=step[0], by=team[step[1]], approve=True, reason="Measured.")
    return order.pk


def _next_step(order_id: int) -> tuple[int, str] | None:
    from kernel.models import ApprovalStep

    rows = ApprovalStep.objects.filter(
        request__subject_type="orders.order", request__subject_id=order_id, request__state="open", decision="pending"
    )
    return rows.order_by("sequence", "id").values_list("pk", "role").first()


def main() -> None:
    """Make the order in this process, launch it in a fresh one, print what that took."""
    django.setup()
    if len(sys.argv) > 2:
        print(json.dumps(launch(int(sys.argv[2]))))
        return
    import subprocess

    with transaction.atomic():
        order_id = make(int(sys.argv[1]))
    command = [sys.executable, "-m", "config.bench.rollout", sys.argv[1], str(order_id)]
    sys.stdout.write(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def launch(order_id: int) -> dict[str, float]:
    """Launch an approved order: seconds, peak megabytes of this process, what was made."""
    from django.db import connection

    from fulfillment.models import Task
    from orders import orchestration
    from orders.models import DomainOrder

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    start, worked = time.monotonic(), time.process_time()
    orchestration.launch(order_id=order_id)
    seconds, worked = time.monotonic() - start, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": seconds, "cpu_seconds": worked, "megabytes": peak,
        "domain_orders": DomainOrder.objects.filter(order=order_id).count(),
        "tasks": Task.objects.filter(flow__root_type="orders.order", flow__root_id=order_id).count(),
    }  # fmt: skip


if __name__ == "__main__":
    main()

"""A crowd of orders for fault trials: many small ones made by the real acts, and what must be true of them at the end.

As a program it works on the database of its environment: `python -m tests.faults.crowd make 100` makes drafts,
`submit 50` hands the next fifty to the product, `rush 5000` so many at once, `roots 500` plans and starts flows
without orders.
"""

import itertools
import json
import sys
import uuid
from typing import Any

import psycopg

TASKS = 7  # of each order; roots have the fibre's five
EFFECTS = 3  # outside, of each order; roots have two
NODES = 3  # access, fibre, port

FIBRE: dict[str, Any] = {"key": "t-fibre-add", "specification": "t-fibre", "items": [
    {"key": "reserve", "name": "Reserve a fibre pair", "kind": "api_call", "adapter": "inventory",
     "operation": "pair.reserve", "outputs": ["circuit"], "max_attempts": 8},
    {"key": "left", "name": "Plan the route", "kind": "automatic", "after": ["reserve"]},
    {"key": "right", "name": "Plan the splices", "kind": "automatic", "after": ["reserve"]},
    {"key": "dig", "name": "Light the fibre", "kind": "wait_event", "adapter": "access", "operation": "fibre.light",
     "after": ["left", "right"], "max_attempts": 8},
    {"key": "lit", "name": "Fibre is lit", "kind": "milestone", "after": ["dig"]},
]}  # fmt: skip
ACCESS: dict[str, Any] = {"key": "t-access-add", "specification": "t-access", "items": [
    {"key": "configure", "name": "Configure the access", "kind": "api_call", "adapter": "provisioning",
     "operation": "access.configure", "outputs": ["pop_found"],
     "after": [{"specification": "t-fibre", "scope": "line"}], "max_attempts": 8},
    {"key": "check", "name": "Check the access", "kind": "automatic", "after": ["configure"]},
]}  # fmt: skip

UNBILLED = "completed orders without a live, billed product"  # for a moment, while the fact of the end is told
DUPLICATES = {
    "tasks completed more than once": """
        SELECT count(*) FROM (SELECT 1 FROM kernel_auditentry WHERE subject_type = 'fulfillment.task'
        AND action = 'complete' GROUP BY subject_id HAVING count(*) > 1) twice""",
    "tasks made more than once": """
        SELECT count(*) FROM (SELECT 1 FROM fulfillment_task t JOIN fulfillment_flow f ON f.id = t.flow_id
        GROUP BY f.owner_type, f.owner_id, t.key, t.mode HAVING count(*) > 1) twice""",
    "domain orders made more than once": """
        SELECT count(*) FROM (SELECT 1 FROM orders_domainorder GROUP BY line_id, specification_id
        HAVING count(*) > 1) twice""",
    "products billed more than once": """
        SELECT count(*) FROM (SELECT 1 FROM contracts_billingstart GROUP BY product_id HAVING count(*) > 1) twice""",
    UNBILLED: """
        SELECT count(*) FROM orders_order o WHERE o.state = 'completed' AND NOT EXISTS (SELECT 1 FROM cmdb_product p
        JOIN contracts_billingstart b ON b.product_id = p.id WHERE p.order_number = o.number AND p.state = 'active')""",
    "completed flows with an open task": """
        SELECT count(*) FROM fulfillment_flow f JOIN fulfillment_task t ON t.flow_id = f.id WHERE f.state = 'completed'
        AND t.state NOT IN ('completed', 'skipped', 'discarded', 'cancelled')""",
    "counters that do not fit": """
        SELECT count(*) FROM fulfillment_task t WHERE waits_for < 0""",
}  # fmt: skip


def wrong(database: psycopg.Connection[Any]) -> dict[str, int]:
    """What must never be, as far as it is: words → how often."""
    query = " UNION ALL ".join(f"SELECT '{words}', ({query})" for words, query in DUPLICATES.items())
    return {words: count for words, count in database.execute(query).fetchall() if count}


def one(database: psycopg.Connection[Any], query: str, *values: Any) -> int:
    """The single number that a query yields."""
    row = database.execute(query, values or None).fetchone()  # type: ignore[call-overload]
    return int(row[0]) if row else 0


def make(number: int) -> list[int]:
    """Draft orders of one line each, with catalogue, plans and people when there are none."""
    from django.db import transaction

    from cmdb.models import FeasibilityCheck
    from contracts.models import Quote, QuoteLine
    from fulfillment import planfile
    from kernel import lifecycle
    from kernel.models import User
    from orders import capture
    from tests.factories.crm import SiteFactory
    from tests.factories.orders import Shop

    shop = Shop(plans=False)
    planfile.load([FIBRE, ACCESS])
    for person in User.objects.all():
        person.set_password("crowd-password")
        person.save(update_fields=["password"])
    site = SiteFactory(account=shop.account)
    first = shop.quote()
    line = QuoteLine.objects.get(quote=first)
    FeasibilityCheck.objects.filter(account=shop.account).update(site=site)
    quotes = Quote.objects.bulk_create(
        Quote(
            number=f"QUO{n:07d}C", title="Roll-out", account=shop.account, price_list=shop.prices,
            valid_until=first.valid_until, monthly=first.monthly,
        )
        for n in range(number)
    )  # fmt: skip
    QuoteLine.objects.bulk_create(
        QuoteLine(
            quote=quote, key=uuid.uuid4(), position=1, site=site, quantity=1, monthly=line.monthly,
            offering_id=line.offering_id, characteristics=line.characteristics,
        )
        for quote in quotes
    )  # fmt: skip
    for step in (Quote.submit, Quote.approve, Quote.present, Quote.accept):
        with transaction.atomic():
            lifecycle.move_many(Quote.objects.filter(pk__in=[quote.pk for quote in quotes]), step, by=None)
    model = capture.from_quote(quote_id=quotes[0].pk, by=shop.agent)
    return [model.pk, *copies(model.pk, [quote.pk for quote in quotes[1:]])]


def copies(order_id: int, quotes: list[int]) -> list[int]:
    """Drafts of further quotes, each as that order was captured from its own, in a handful of statements."""
    from django.db import transaction

    from contracts.models import Quote, QuoteLine
    from kernel import audit, lifecycle, numbering
    from orders.models import Order, OrderLine

    model, line = Order.objects.get(pk=order_id), OrderLine.objects.get(order=order_id)
    of_order = {name: getattr(model, name) for name in own(Order, {"quote", "number"})}
    of_line = {name: getattr(line, name) for name in own(OrderLine, {"order", "quote_line", "key"})}
    sold = dict(QuoteLine.objects.filter(quote__in=quotes).values_list("quote", "pk"))
    with transaction.atomic():
        numbers = numbering.take_many(Order.PREFIX, len(quotes))
        orders = Order.objects.bulk_create(
            [Order(**of_order, quote_id=quote, number=number) for quote, number in zip(quotes, numbers, strict=True)],
            batch_size=2000,
        )
        OrderLine.objects.bulk_create(
            [
                OrderLine(**of_line, order=order, key=uuid.uuid4(), quote_line_id=sold[order.quote_id])
                for order in orders
            ],
            batch_size=2000,
        )
        audit.record_many("captured", orders, by=None)
        lifecycle.move_many(Quote.objects.filter(pk__in=quotes), Quote.complete, by=None)
    return [order.pk for order in orders]


def own(model: Any, besides: set[str]) -> list[str]:
    """Names of the columns that a copy takes over."""
    return [
        field.attname
        for field in model._meta.concrete_fields
        if not field.primary_key and field.name not in besides and not getattr(field, "auto_now", False)
        and not getattr(field, "auto_now_add", False)
    ]  # fmt: skip


def submit(number: int) -> list[int]:
    """Hand the oldest drafts to the product, by the people whose job it is."""
    from kernel.models import User
    from orders import submission
    from orders.models import Order

    agent = User.objects.filter(groups__name="order_agent").order_by("pk")[0]
    drafts = list(Order.objects.filter(state="draft").order_by("pk").values_list("pk", flat=True)[:number])
    for pk in drafts:
        submission.submit(order_id=pk, by=agent)
    return drafts


def rush(number: int, leave: int = 0) -> list[int]:
    """The oldest drafts but the first `leave`, submitted at once by one transaction; all are complete, being alike."""
    from django.db import transaction
    from django.utils import timezone

    from kernel import lifecycle, outbox
    from orders import events, validation
    from orders.models import Order, OrderLine

    drafts = list(Order.objects.filter(state="draft").order_by("pk").values_list("pk", flat=True)[leave:][:number])
    validation.require_complete(Order.objects.get(pk=drafts[0]))
    with transaction.atomic():
        lifecycle.move_many(Order.objects.filter(pk__in=drafts), Order.submit, by=None, submitted_at=timezone.now())
        lifecycle.move_many(OrderLine.objects.filter(order__in=drafts), OrderLine.acknowledge, by=None)
        outbox.publish_all([events.OrderSubmitted(order_id=pk) for pk in drafts])
    return drafts


def roots(number: int, first: int = 1) -> list[int]:
    """Flows of the fibre plan for roots that are no orders, planned and started by the engine's own acts."""
    from fulfillment import execution, planning
    from tests.factories import fulfillment as factory
    from tests.factories.crm import SiteFactory

    site = SiteFactory()
    numbers = range(first, first + number)
    for batch in itertools.batched(numbers, 500) if sys.version_info >= (3, 12) else _batched(list(numbers), 500):
        planning.plan([factory.request("t-fibre", site, owner_id=pk, root=pk) for pk in batch])
        for pk in batch:
            execution.start("test.root", pk)
    return list(numbers)


def _batched(rows: list[int], size: int) -> list[list[int]]:
    return [rows[at : at + size] for at in range(0, len(rows), size)]


def main() -> None:
    """One act, its keys printed as JSON."""
    import django

    django.setup()
    act, *numbers = sys.argv[1:]
    print(json.dumps({"make": make, "submit": submit, "rush": rush, "roots": roots}[act](*map(int, numbers))))  # noqa: T201


if __name__ == "__main__":
    main()

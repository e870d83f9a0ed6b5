"""Volume: customers and orders by the ten thousand, set by set in the database, in the spread that a provider has.

They are for lists, searches, dashboards and measurements: each order has lines, an audit trail with its milestones and,
while it runs, a forecast and tasks of people. Nothing was sold or delivered for it: there are no quotes, no invoices
and no installed products. Numbers are drawn from the product's own series, so that real work goes on beside it.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from django.db import connection, transaction

from config.demo import story
from kernel.models import User
from kernel.refusal import Refusal

ORDERS_OF_ONE = 20  # orders of a customer, on average; a few have hundreds
STEPS = Path(__file__).resolve().parent / "volume.sql"
TABLES = (
    "crm_account", "crm_site", "crm_contact", "crm_billingprofile", "orders_order", "orders_orderline",
    "orders_orderforecast", "orders_domainorder", "fulfillment_flow", "fulfillment_task", "kernel_auditentry",
)  # fmt: skip
Say = Callable[[str], None]


class NotDemo(Refusal):
    """The database holds people who are not the demo's."""


def require_demo() -> None:
    """Raises NotDemo when somebody has a log-in here who is not of the demo."""
    others = User.objects.exclude(email__endswith=".example").exclude(email="").exclude(username="AnonymousUser")
    if others.exists():
        raise NotDemo(
            f"{others.count()} people with a log-in are not the demo’s. Made-up orders do not belong among real ones; "
            "--anywhere makes them all the same."
        )


def steps() -> list[tuple[str, str]]:
    """What each statement of the file makes, and the statement."""
    found = []
    for part in STEPS.read_text().split("\n-- ")[1:]:
        words, _, statement = part.partition("\n")
        found.append((words, statement.strip()))
    return found


def make(orders: int, say: Say = lambda text: None) -> None:
    """So many more orders, and the customers that placed them; the catalogue and the people when there are none."""
    import_module("config.urls")
    story.provider()
    values = {
        "orders": orders, "accounts": max(orders // ORDERS_OF_ONE, 1), "seed": 0.42,
        "owner": User.objects.get(username="mira").pk, "manager": User.objects.get(username="ingrid").pk,
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT setseed(%(seed)s)", values)
        for words, statement in steps():
            say(words)
            cursor.execute(statement, values)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(TABLES)}")  # the estimates of lists and of the planner

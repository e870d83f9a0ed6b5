"""Background work of orders."""

from celery import shared_task

from kernel import sweeping
from orders import jeopardy

sweeping.watch("orders.tasks.assess", jeopardy.MARKED)


@shared_task(name="orders.tasks.assess")
def assess() -> int:
    """Look at orders that were marked because something of theirs has changed."""
    return jeopardy.sweep(everything=False)


@shared_task(name="orders.tasks.assess_all")
def assess_all() -> int:
    """Run by beat every two minutes: also orders with news that left no mark, and each once a day."""
    return jeopardy.sweep()

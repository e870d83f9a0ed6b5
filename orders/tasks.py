"""Background work of orders."""

from celery import shared_task

from orders import jeopardy


@shared_task(name="orders.tasks.assess")
def assess() -> int:
    """Look at orders whose outlook may have changed; woken by facts and run by beat every minute."""
    return jeopardy.sweep()

"""Background work of customers and partners."""

from celery import shared_task

from crm import requesting
from kernel import sweeping

sweeping.watch("crm.tasks.ask_sellers", requesting.DUE)


@shared_task(name="crm.tasks.ask_sellers")
def ask_sellers() -> int:
    """Send requests to partners that we buy from, and read how far they are."""
    return requesting.ask_due()

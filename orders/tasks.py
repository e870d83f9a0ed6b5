"""Background work of orders."""

import logging

from celery import shared_task

from kernel import sweeping
from kernel.decisions import BrokenRule
from orders import futuredating, jeopardy, orchestration

log = logging.getLogger(__name__)

sweeping.watch("orders.tasks.assess", jeopardy.MARKED)


@shared_task(name="orders.tasks.begin_due")
def begin_due() -> int:
    """Run by beat: approved orders whose day has come go to work, each by itself."""
    keys = futuredating.due()
    for pk in keys:
        try:
            orchestration.launch(order_id=pk)
        except BrokenRule as error:
            log.warning("order %s cannot be launched: %s", pk, error)
    return len(keys)


@shared_task(name="orders.tasks.assess")
def assess() -> int:
    """Look at orders that were marked because something of theirs has changed."""
    return jeopardy.sweep(everything=False)


@shared_task(name="orders.tasks.assess_all")
def assess_all() -> int:
    """Run by beat every two minutes: also orders with news that left no mark, and each once a day."""
    return jeopardy.sweep()

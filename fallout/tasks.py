"""Background work of fallout."""

from celery import shared_task

from fallout import escalation, watchdog
from kernel import sweeping
from orders import withdrawal

sweeping.watch("fallout.tasks.escalate", escalation.DUE)


@shared_task(name="fallout.tasks.escalate")
def escalate() -> int:
    """Tell managers of records that ran over their time."""
    return escalation.escalate_overdue()


@shared_task(name="fallout.tasks.watch")
def watch() -> dict[str, int]:
    """Run by beat every minute: orders that stand still fall out, those that move again are closed."""
    return watchdog.look()


@shared_task(name="fallout.tasks.tidy")
def tidy() -> int:
    """Run by beat twice a minute: cancellations whose last calls have ended."""
    return withdrawal.finish()

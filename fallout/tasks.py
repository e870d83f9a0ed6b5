"""Background work of fallout."""

from celery import shared_task

from fallout import escalation


@shared_task(name="fallout.tasks.escalate")
def escalate() -> int:
    """Run by beat every minute."""
    return escalation.escalate_overdue()

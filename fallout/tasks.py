"""Background work of fallout."""

from celery import shared_task

from fallout import batch, escalation, watchdog
from orders import withdrawal


@shared_task(name="fallout.tasks.escalate")
def escalate() -> int:
    """Run by beat every minute."""
    return escalation.escalate_overdue()


@shared_task(name="fallout.tasks.watch")
def watch() -> dict[str, int]:
    """Run by beat every minute: orders that stand still fall out, those that move again are closed."""
    return watchdog.look()


@shared_task(name="fallout.tasks.run_batch")
def run_batch(*, batch_id: int) -> int:
    """Work on a batch until every record has its answer."""
    return batch.work(batch_id)


@shared_task(name="fallout.tasks.tidy")
def tidy() -> int:
    """Run by beat every few seconds: batches that a lost message left, cancellations whose last calls have ended."""
    return batch.sweep() + withdrawal.finish()

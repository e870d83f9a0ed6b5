"""Background work of the kernel."""

from celery import shared_task

from kernel import outbox


@shared_task(name="kernel.tasks.deliver_outbox")
def deliver_outbox() -> int:
    """Deliver what waits in the outbox; also run by beat, to find what no message announced."""
    return outbox.deliver()

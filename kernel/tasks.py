"""Background work of the kernel."""

from celery import shared_task

from kernel import deputies, outbox, sweeping

sweeping.watch("kernel.tasks.deliver_outbox", outbox.WAITS)


@shared_task(name="kernel.tasks.deliver_outbox")
def deliver_outbox() -> int:
    """Deliver what waits in the outbox."""
    return outbox.deliver()


@shared_task(name="kernel.tasks.sweep")
def sweep() -> list[str]:
    """Run by beat every few seconds: wake whatever has work that no message announced."""
    return sweeping.look()


@shared_task(name="kernel.tasks.remind_approvers")
def remind_approvers() -> int:
    """Remind of approvals that nobody answered for a day."""
    return deputies.remind_due()

"""Background work of the kernel."""

from celery import shared_task

from kernel import deputies, exporting, following, lookingon, many, notifications, outbox, sweeping
from kernel.reporting import mailing
from kernel.rest import sending, tidying

sweeping.watch("kernel.tasks.deliver_outbox", outbox.WAITS)
sweeping.watch("kernel.tasks.sweep_exports", exporting.WAITS)
sweeping.watch("kernel.tasks.sweep_many", many.WAITS)
sweeping.watch("kernel.tasks.send_notices", sending.WAITS)


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


@shared_task(name=exporting.RUN)
def write_export(export_id: int) -> bool:
    """Write the file of a long list."""
    return exporting.write(export_id)


@shared_task(name="kernel.tasks.sweep_exports")
def sweep_exports() -> int:
    """Go on with files that nobody is writing."""
    return exporting.sweep()


@shared_task(name="kernel.tasks.forget_exports")
def forget_exports() -> int:
    """Throw files of lists away once they are a week old."""
    return exporting.forget()


@shared_task(name="kernel.tasks.send_digests")
def send_digests() -> int:
    """Mail the summaries of those for whom it is morning."""
    return notifications.send_digests()


@shared_task(name="kernel.tasks.send_reports")
def send_reports() -> int:
    """Mail the reports whose morning it is."""
    return mailing.send_due()


@shared_task(name="kernel.tasks.send_notices")
def send_notices() -> int:
    """Send what waits for listening systems."""
    return sending.send_due()


@shared_task(name="kernel.tasks.tidy_calls")
def tidy_calls() -> int:
    """Forget old calls, answers kept for repetition, tokens that have expired, and old visits."""
    return tidying.tidy() + following.forget()


@shared_task(name=many.RUN)
def run_many(many_id: int) -> int:
    """Do one act for many records."""
    return many.work(many_id)


@shared_task(name="kernel.tasks.sweep_many")
def sweep_many() -> int:
    """Go on with acts for many that nobody works on."""
    return many.sweep()


@shared_task(name="kernel.tasks.end_looks")
def end_looks() -> int:
    """Note in the trail that looking on as somebody is over."""
    return lookingon.end_due()

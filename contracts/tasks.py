"""Background work of agreements, documents and contracts."""

from celery import shared_task
from django.utils import timezone

from contracts import agreement, ending, expiring, printruns, renewing, sheetimport


@shared_task(name="contracts.tasks.make_quote_pdf")
def make_quote_pdf(*, run_id: int) -> None:
    """Make the PDF of a long quote; a second message finds it made."""
    printruns.make(run_id)


@shared_task(name="contracts.tasks.activate_agreements")
def activate_agreements() -> int:
    """Bring signed agreements into force on their first day, end those that are over."""
    return agreement.activate_due(timezone.localdate())


@shared_task(name="contracts.tasks.expire_quotes")
def expire_quotes() -> int:
    """Warn of offers that end soon, remind signatories, close what is over."""
    expiring.warn()
    expiring.remind()
    return len(expiring.close())


@shared_task(name="contracts.tasks.take_sheet")
def take_sheet(*, sheet_id: int) -> int:
    """Take the rows of a long sheet into its quote; a second message goes on where the first stopped."""
    return sheetimport.take(sheet_id).done


@shared_task(name="contracts.tasks.renew_contracts")
def renew_contracts() -> dict[str, int]:
    """Let renewals take over, let contracts go on or be over, and carry out approved early ends."""
    today = timezone.localdate()
    done = renewing.run(today)
    for key in ending.due(today):
        ending.carry_out(key)
    return done

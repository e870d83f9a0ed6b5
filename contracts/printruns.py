"""Print runs: a worker makes a long quote's PDF; whoever waits sees how far it is."""

import datetime as dt
import logging

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from contracts import documents, quoteapproval
from contracts.models import PrintRun, Quote
from kernel import audit, jobs, notifications
from kernel import documents as files
from kernel.models import Document, User

PREVIEW = "quote_preview"
FAILED = "The PDF could not be made. Try again; if it fails again, tell an administrator."
STALE = dt.timedelta(minutes=5)  # a run that made no step for so long lost its worker

log = logging.getLogger(__name__)


def kind_of(quote: Quote) -> str:
    """The offer itself, or a draft's preview."""
    return PREVIEW if quote.state in documents.UNAPPROVED else documents.QUOTE


def ask(quote: Quote, *, by: User | None = None) -> PrintRun:
    """Have the PDF made: the run that is under way, or a new one."""
    now = timezone.now()
    with transaction.atomic():
        of(quote).filter(ended_at=None, moved_at__lt=now - STALE).update(
            ended_at=now, error="The worker was lost; it is made anew."
        )
        run, _ = PrintRun.objects.get_or_create(
            subject_type=quote._meta.label_lower, subject_id=quote.pk, kind=kind_of(quote), ended_at=None,
            defaults={"asked_by": by, "content_hash": quoteapproval.fingerprint(quote)},
        )  # fmt: skip
        jobs.wake("contracts.tasks.make_quote_pdf", queue="documents", run_id=run.pk)
    return run


def prepare(quote: Quote) -> None:
    """Have the PDF of a long quote made as soon as it is approved, so that presenting it need not wait."""
    if documents.is_long(quote) and documents.kept(quote) is None:
        ask(quote)


def latest(quote: Quote) -> PrintRun | None:
    """The newest run that fits the quote as it is now."""
    run = of(quote).filter(kind=kind_of(quote)).order_by("-id").first()
    if run is not None and run.state == "done" and run.content_hash != quoteapproval.fingerprint(quote):
        return None
    return run


def of(quote: Quote) -> models.QuerySet[PrintRun]:
    """Runs of a quote."""
    return PrintRun.objects.filter(subject_type=quote._meta.label_lower, subject_id=quote.pk)


def make(run_id: int) -> Document | None:
    """Make the document of an open run; a second message finds it ended, or under way, and does nothing."""
    if not _claim(run_id):
        return None
    run = PrintRun.objects.select_related("asked_by").get(pk=run_id)
    quote = Quote.objects.select_related("account", "agreement", "owner").get(pk=run.subject_id)
    try:
        content = documents.quote_bytes(quote, progress=lambda done, total: _step(run_id, done, total))
    except Exception:
        log.exception("the PDF of %s was not made", quote)
        PrintRun.objects.filter(pk=run_id, ended_at=None).update(ended_at=timezone.now(), error=FAILED)
        return None
    with transaction.atomic():
        made = documents.kept(quote) if run.kind == documents.QUOTE else None
        made = made or _store(run, quote, content)
        PrintRun.objects.filter(pk=run_id).update(ended_at=timezone.now(), document=made)
        audit.record("printed", quote, by=run.asked_by, changes={"document": [None, made.name]})
        if run.asked_by:
            notifications.tell([run.asked_by], f"The PDF of {quote} is ready", quote.get_absolute_url(), event="file")
    return made


def _store(run: PrintRun, quote: Quote, content: bytes) -> Document:
    if run.kind == documents.QUOTE:
        return documents.keep(quote, content, by=run.asked_by)
    return files.store(
        quote, kind=PREVIEW, name=f"{quote.number}-v{quote.version}-draft.pdf", content=content,
        content_type="application/pdf", by=run.asked_by,
    )  # fmt: skip


def _claim(run_id: int) -> bool:
    """Whether this worker is the one that makes it: nobody is, or whoever was made no step for long."""
    free = Q(total=0) | Q(moved_at__lt=timezone.now() - STALE)
    return bool(
        PrintRun.objects.filter(free, pk=run_id, ended_at=None).update(total=1, done=0, moved_at=timezone.now())
    )


def _step(run_id: int, done: int, total: int) -> None:
    PrintRun.objects.filter(pk=run_id).update(done=done, total=total, moved_at=timezone.now())

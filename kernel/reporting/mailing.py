"""Mailing: reports and dashboards that are sent in the morning, to each reader what they themselves may see."""

import datetime as dt
import logging
import smtplib
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.text import slugify

from kernel import paper, workdays, writing, zones
from kernel.models.people import User
from kernel.models.reports import ReportMail
from kernel.refusal import NotPermitted, Refusal
from kernel.reporting import drawing, shelf
from kernel.reporting.asking import Asked, ask
from kernel.reporting.shelf import Dashboard, Report
from kernel.reporting.table import Table, made
from kernel.saying import said

MORNING = dt.time(7)
LATER = dt.timedelta(hours=1)  # until it is tried again
MOST = 30  # readers of one report
AT_ONCE = 50  # reports of one run; the next run goes on
NO_SERVER = "The mail server did not take it. It is tried again in an hour."
NOT_ALL = "Not everybody on the list may still see it; the others got it."
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Subject:
    """What is sent: one report, or a dashboard with several."""

    report: Report | None = None
    board: Dashboard | None = None

    @property
    def title(self) -> str:
        """Its name."""
        found = self.report or self.board
        return found.title if found else ""

    def reports_for(self, user: User) -> list[Report]:
        """What this person may see of it."""
        if self.board:
            return self.board.shown(user)
        return [self.report] if self.report and self.report.allowed(user) else []


def subject(report: str, board: str) -> Subject:
    """A report or a dashboard by its key; neither where there is none."""
    return Subject(shelf.report(report) if report else None, shelf.board(board) if board else None)


@transaction.atomic
def set_up(*, report: str, board: str, query: str, rhythm: str, people: Iterable[User], by: User) -> ReportMail:
    """Have a report sent from the next morning on.

    Raises:
        Refusal: nobody to send it to, too many, or somebody who may not see it.
        NotPermitted: the person may not see it either.
    """
    chosen = _checked(subject(report, board), people, by)
    values = {"report": report, "board": board, "query": _kept(subject(report, board), query, by), "rhythm": rhythm}
    mail: ReportMail = ReportMail.objects.create(owner=by, next_at=following(rhythm, by, timezone.now()), **values)
    mail.people.set(chosen)
    return mail


@transaction.atomic
def change(*, mail_id: int, rhythm: str, people: Iterable[User], by: User) -> ReportMail:
    """Another rhythm, other readers. Raises as `set_up` does, and NotPermitted for somebody else's."""
    mail: ReportMail = ReportMail.objects.locked(mail_id)
    if mail.owner_id != by.pk:
        raise NotPermitted("Only who set this up may change it. You can stop getting it.")
    mail.people.set(_checked(subject(mail.report, mail.board), people, by))
    mail.rhythm, mail.next_at = rhythm, following(rhythm, by, timezone.now())
    mail.save()
    return mail


@transaction.atomic
def stop(*, mail_id: int, by: User) -> bool:
    """Its owner ends it for all, a reader for themselves. Returns whether it is ended for all."""
    mail: ReportMail = ReportMail.objects.locked(mail_id)
    mail.people.remove(by)
    if mail.owner_id == by.pk or not mail.people.exists():
        mail.delete()
        return True
    return False


def _checked(what: Subject, people: Iterable[User], by: User) -> list[User]:
    if not what.reports_for(by):
        raise NotPermitted(f"Your roles do not include “{what.title}”.")
    chosen = list(people)
    if not chosen or len(chosen) > MOST:
        raise Refusal(problems={"people": [f"Choose between one and {MOST} readers."]})
    if shut := [str(one) for one in chosen if not what.reports_for(one)]:
        told = f"{', '.join(sorted(shut))} may not see “{what.title}”. Ask an administrator for the role, or leave out."
        raise Refusal(problems={"people": [told]})
    return chosen


def _kept(what: Subject, query: str, by: User) -> str:
    """Of an address, the filters that it may have."""
    told: dict[str, str] = {}
    for one in what.reports_for(by):
        told |= ask(one.filters, by, dict(parse_qsl(query[:2000]))).values
    return urlencode(told)[:500]


def following(rhythm: str, owner: User, now: dt.datetime) -> dt.datetime:
    """The next morning of a rhythm, at seven where its owner is."""
    zone = zones.named(owner.time_zone)
    day = now.astimezone(zone).date()
    calendar = workdays.calendar("")
    while True:
        morning = dt.datetime.combine(day, MORNING, tzinfo=zone)
        fits = {"weekly": day.weekday() == 0, "monthly": day.day == 1}.get(rhythm)
        if morning > now and (calendar.works(day) if fits is None else fits):
            return morning
        day += dt.timedelta(days=1)


def tables_for(what: Subject, query: str, user: User, now: dt.datetime | None = None) -> list[Table]:
    """The reports worked out for one reader."""
    told = dict(parse_qsl(query))
    return [made(one, ask(one.filters, user, told, now)) for one in what.reports_for(user)]


def printed(what: Subject, tables: list[Table]) -> bytes:
    """The PDF of them, each with its bars and its table."""
    parts = [{"table": table, "bars": drawing.bars(table)} for table in tables]
    context = {"parts": parts, "subject": what, "asked": tables[0].asked}
    return paper.pdf("pdf/report.html", context, title=what.title)


def send_due(now: dt.datetime | None = None) -> int:
    """Send what is due, each in a transaction of its own; marked after it was sent. Returns how many went out."""
    now, sent = now or timezone.now(), 0
    for pk in ReportMail.objects.filter(next_at__lte=now).order_by("next_at").values_list("pk", flat=True)[:AT_ONCE]:
        with transaction.atomic():
            rows = ReportMail.objects.select_for_update(skip_locked=True, of=("self",)).select_related("owner")
            mail = rows.filter(pk=pk, next_at__lte=now).first()
            if mail is not None:
                sent += send(mail, now)
    return sent


def send(mail: ReportMail, now: dt.datetime) -> int:
    """Send one report to all its readers and note how it went. Returns how many mails went out."""
    what, sent, down = subject(mail.report, mail.board), 0, False
    readers = list(mail.people.filter(is_active=True).order_by("pk"))
    for reader in readers:
        try:
            sent += _send_to(reader, what, mail, now)
        except (OSError, smtplib.SMTPException):
            log.exception("report mail %s could not be sent", mail.pk)
            down = True
    mail.trouble = NO_SERVER if down else NOT_ALL if sent < len(readers) else ""
    mail.sent_at = now if sent else mail.sent_at
    mail.next_at = now + LATER if down and not sent else following(mail.rhythm, mail.owner, now)
    mail.save()
    return sent


def _send_to(reader: User, what: Subject, mail: ReportMail, now: dt.datetime) -> int:
    if not reader.email or not what.reports_for(reader):
        return 0
    language = reader.language or settings.LANGUAGE_CODE
    with timezone.override(zones.named(reader.time_zone)), translation.override(language):
        tables = tables_for(what, mail.query, reader, now)
        asked: Asked = tables[0].asked
        rhythm = said(mail.get_rhythm_display())
        context = {
            "what": what, "tables": tables, "mail": mail, "asked": asked, "base": settings.BASE_URL,
            "rhythm": rhythm[:1].lower() + rhythm[1:],
        }  # fmt: skip
        text = render_to_string("reports/report_email.txt", context)
        message = EmailMessage(f"{said(what.title)}, {writing.day(asked.today, 'j M Y')}", text, None, [reader.email])
        message.attach(f"{slugify(said(what.title))}-{asked.today}.pdf", printed(what, tables), "application/pdf")
    return int(message.send())

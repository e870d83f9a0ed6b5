"""Runbooks are written and kept: what to do about a cause, found from every record of it."""

from django.db import transaction
from django.utils.text import slugify

from fallout import causes
from fallout.models import Fallout, Runbook
from kernel import audit, editing
from kernel.models import User
from kernel.refusal import NotPermitted, Refusal

WRITE = "fallout.change_runbook"
LONGEST = 8000


@transaction.atomic
def write_for(*, fallout_id: int, by: User, title: str, text: str) -> Runbook:
    """Write the runbook of a record's cause; every record of that cause, now and later, leads to it.

    Raises:
        Refusal: with the problem at its field.
        NotPermitted
    """
    title, text = _checked(by, title, text)
    record: Fallout = Fallout.objects.get(pk=fallout_id)
    made, new = Runbook.objects.get_or_create(
        fingerprint=record.fingerprint,
        defaults={"key": _key(record), "title": title, "text": text},
    )
    if not new:
        return edit(runbook_id=made.pk, edition=made.edition, by=by, title=title, text=text)
    audit.record("written", made, by=by, changes={"cause": [None, record.cause]})
    Fallout.objects.filter(fingerprint=record.fingerprint).update(runbook=made)
    return made


def edit(*, runbook_id: int, edition: int, by: User, title: str, text: str) -> Runbook:
    """Change a runbook that was shown at `edition`. Raises Refusal, NotPermitted, editing.Changed."""
    title, text = _checked(by, title, text)
    return editing.edit(Runbook, runbook_id, edition=edition, values={"title": title, "text": text}, by=by)


def _checked(by: User, title: str, text: str) -> tuple[str, str]:
    if not by.has_perm(WRITE):
        raise NotPermitted("Your roles do not include the right to write runbooks.")
    title, text = title.replace("\x00", "").strip(), text.replace("\x00", "").replace("\r\n", "\n").strip()
    problems = {}
    if not 1 <= len(title) <= 120:
        problems["title"] = ["Give it a title of at most 120 characters."]
    if not 1 <= len(text) <= LONGEST:
        problems["text"] = [f"Write what to do, one step a line; {LONGEST:,} characters at most."]
    if problems:
        raise Refusal(problems=problems)
    return title, text


def _key(record: Fallout) -> str:
    return f"{slugify(causes.plain(record.cause))[:40] or 'cause'}-{record.fingerprint}"

"""Runbooks are written and kept: what to do about a cause, found from every record of it."""

import re

from django.db import transaction
from django.utils.text import slugify

from fallout import causes, routing
from fallout.models import Fallout, Runbook
from kernel import audit, cells, editing
from kernel.models import DecisionTable, User
from kernel.refusal import Conflict, NotPermitted, Refusal

WRITE, ADD, DELETE = "fallout.change_runbook", "fallout.add_runbook", "fallout.delete_runbook"
LONGEST = 8000
KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
WORDS = frozenset({"new"})  # addresses of pages beside those of runbooks


class Needed(Conflict):
    """Something names the runbook, and would lead nowhere."""


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


@transaction.atomic
def begin(*, key: str, title: str, text: str, by: User) -> Runbook:
    """Write a runbook that routing rules can name by its key; without a key it is made of the title.

    Raises:
        Refusal: with the problem at its field.
        NotPermitted
    """
    _require(by, ADD)
    title, text, problems = _cleaned(title, text)
    key = key.strip() or slugify(title)[:60].strip("-")
    if not problems.get("title") and (not KEY.fullmatch(key) or key in WORDS):
        problems["key"] = ["Small letters, digits and dashes only, at most 60, as in vlan-in-use."]
    elif Runbook.objects.filter(key=key).exists():
        problems["key"] = [f"There is a runbook “{key}” already."]
    if problems:
        raise Refusal(problems=problems)
    made = Runbook.objects.create(key=key, title=title, text=text)
    audit.record("written", made, by=by)
    return made


@transaction.atomic
def discard(*, runbook_id: int, by: User) -> str:
    """Throw a runbook away; records that led to it lead nowhere. Returns its title.

    Raises:
        Needed: a version of the routing rules that counts, or is being written, names it.
        NotPermitted
    """
    _require(by, DELETE)
    book: Runbook = Runbook.objects.locked(runbook_id)
    if named := rules_naming(book.key):
        raise Needed(f"{named[0]} Take it out there first.")
    audit.record("discarded", book, by=by, changes={"title": [book.title, None]})
    book.delete()
    return book.title


def rules_naming(key: str) -> list[str]:
    """Where the routing rules name a runbook: a sentence for each version that does, retired ones left out."""
    found = []
    for table in DecisionTable.objects.filter(key=routing.TABLE).exclude(state="retired").order_by("version"):
        rows = [str(n) for n, row in enumerate(table.rows, 1) if str(cells.constant(row.get("runbook"))) == key]
        if rows:
            draft = ", a draft" if table.state == DecisionTable.State.DRAFT else ""
            which = f"row{'s' * (len(rows) > 1)} {', '.join(rows)}"
            found.append(f"“{table.title}”, version {table.version}{draft}, names it in {which}.")
    return found


def edit(*, runbook_id: int, edition: int, by: User, title: str, text: str) -> Runbook:
    """Change a runbook that was shown at `edition`. Raises Refusal, NotPermitted, editing.Changed."""
    title, text = _checked(by, title, text)
    return editing.edit(Runbook, runbook_id, edition=edition, values={"title": title, "text": text}, by=by)


def _require(by: User, right: str) -> None:
    if not by.has_perm(right):
        raise NotPermitted("Your roles do not include the right to write runbooks.")


def _checked(by: User, title: str, text: str) -> tuple[str, str]:
    _require(by, WRITE)
    title, text, problems = _cleaned(title, text)
    if problems:
        raise Refusal(problems=problems)
    return title, text


def _cleaned(title: str, text: str) -> tuple[str, str, dict[str, list[str]]]:
    """Title and text without what nobody sees, and what is wrong with them."""
    title, text = title.replace("\x00", "").strip(), text.replace("\x00", "").replace("\r\n", "\n").strip()
    problems = {}
    if not 1 <= len(title) <= 120:
        problems["title"] = ["Give it a title of at most 120 characters."]
    if not 1 <= len(text) <= LONGEST:
        problems["text"] = [f"Write what to do, one step a line; {LONGEST:,} characters at most."]
    return title, text, problems


def _key(record: Fallout) -> str:
    return f"{slugify(causes.plain(record.cause))[:40] or 'cause'}-{record.fingerprint}"

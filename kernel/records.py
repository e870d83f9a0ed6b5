"""Records as pages show them: found by type and key for whoever may see them, their stages, their journal."""

import datetime as dt
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import Http404
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kernel import audit, states, writing
from kernel.models.activity import Comment
from kernel.models.documents import DocumentType
from kernel.models.people import User
from kernel.models.trail import AuditEntry
from kernel.saying import said

JOURNAL = 30  # entries shown before “all”
_HASH = re.compile(r"[0-9a-f]{40,64}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d")
ENDS_BADLY = {"bad", "idle"}


@dataclass(frozen=True)
class Stage:
    """One step of a state bar; `kind` is done, now, held, off or empty for what is still ahead."""

    word: str
    icon: str
    kind: str
    at: dt.datetime | None = None


@dataclass(frozen=True)
class Change:
    """One field of one audit row, in words."""

    name: str
    old: str
    new: str
    is_state: bool = False


@dataclass(frozen=True)
class Entry:
    """One line of a journal: something done, or something said."""

    at: dt.datetime
    who: User | None
    text: str
    icon: str = "pencil"
    tone: str = "idle"
    reason: str = ""
    changes: list[Change] = field(default_factory=list)
    comment: str = ""
    shared: bool = False  # with the customer

    @property
    def tone_class(self) -> str:
        """The icon's colour class."""
        return f"c-{self.tone}"


def subject(label: str, pk: int, user: User) -> Any:
    """The record of that type and key if this person may see it. Raises Http404 otherwise, whatever the reason."""
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        raise Http404("There is no such record.") from None
    rows = model._default_manager
    if not hasattr(rows, "visible_to"):
        raise Http404("There is no such record.")
    found = rows.visible_to(user).filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such record.")
    return found


def trail(record: models.Model) -> models.QuerySet[AuditEntry]:
    """What happened to a record, newest first."""
    return AuditEntry.objects.filter(subject_type=record._meta.label_lower, subject_id=record.pk).order_by("-id")


def comments(record: models.Model) -> models.QuerySet[Comment]:
    """What people wrote on a record, newest first."""
    return Comment.objects.filter(subject_type=record._meta.label_lower, subject_id=record.pk).order_by("-id")


def stages(record: Any, name: str = "state") -> list[Stage]:
    """The model's STAGES with the day each was reached; a state beside the road stands where the record left it."""
    road: tuple[str, ...] = tuple(getattr(record, "STAGES", ()))
    now = str(getattr(record, name))
    reached: dict[str, dt.datetime] = {}
    for moment, changes in trail(record).filter(changes__has_key=name).order_by("id").values_list("at", "changes"):
        reached[str(changes[name][1])] = moment
    if road and hasattr(record, "created_at"):
        reached.setdefault(road[0], record.created_at)
    behind = [at for at, step in enumerate(road) if step in reached]
    last = road.index(now) if now in road else max(behind, default=-1)
    bar = []
    for at, step in enumerate(road):
        look = states.look(step, record)
        if step == now:
            ended = at == len(road) - 1
            bar.append(Stage(look.word, "check" if ended else look.icon, "done" if ended else "now", reached.get(step)))
        elif at <= last:
            bar.append(Stage(look.word, "check", "done", reached.get(step)))
        else:
            bar.append(Stage(look.word, "circle-dashed", ""))
    if now not in road:
        look = states.look(now, record)
        kind = "off" if look.tone in ENDS_BADLY else "held"
        bar.insert(last + 1, Stage(look.word, look.icon, kind, reached.get(now)))
    return bar


def still_needed(record: Any, types: list[DocumentType]) -> list[DocumentType]:
    """Types of file that a stage still ahead of a record needs and that are missing."""
    road, now = tuple(getattr(record, "STAGES", ())), getattr(record, "state", "")
    passed = set(road[: road.index(now) + 1]) if now in road else {now}
    return [one for one in types if one.needed_for and one.needed_for not in passed and not one.kept]  # type: ignore[attr-defined]


def journal(record: models.Model, *, by: User, limit: int | None = JOURNAL) -> list[Entry]:
    """Audit rows and comments that somebody may read as one list, newest first."""
    rows = (trail(record) & audit.readable_by(by)).select_related("actor")[:limit]
    spoken = comments(record).select_related("author")[:limit]
    entries = [_told(row, record) for row in rows]
    entries += [Entry(c.at, c.author, "commented", "message", comment=c.text, shared=not c.internal) for c in spoken]
    entries.sort(key=lambda entry: entry.at, reverse=True)
    return entries[:limit]


def _told(row: AuditEntry, record: models.Model) -> Entry:
    changes = [
        _change(name, pair, record) for name, pair in row.changes.items() if isinstance(pair, list) and len(pair) == 2
    ]
    look = next((states.look(str(row.changes[c.name][1]), record) for c in changes if c.is_state), None)
    text = _words(row, record)
    return Entry(
        row.at, row.actor, text, look.icon if look else "pencil", look.tone if look else "idle", row.reason, changes
    )


def _words(row: AuditEntry, record: models.Model) -> str:
    """What happened; of a move, the sentence that its declaration says."""
    move = getattr(type(record), row.action, None)
    if hasattr(move, "_django_fsm") and move.__doc__:
        return str(move.__doc__).strip().partition("\n")[0].rstrip(".")
    return row.action.replace("_", " ").capitalize()


def _change(name: str, pair: list[Any], record: models.Model) -> Change:
    is_state = name == "state" or name.endswith("_state")
    choices = _choices(type(record), name)
    words = [
        states.look(str(value), record).word if is_state and value
        else said(choices[value]) if isinstance(value, str) and value in choices
        else _plain(value)
        for value in pair
    ]  # fmt: skip
    return Change(name, words[0] if pair[0] not in (None, "") else "", words[1], is_state)


@cache
def _choices(model: type[models.Model], name: str) -> dict[Any, str]:
    """The words of a field's choices, by what is stored; none for what is no such field."""
    try:
        field: Any = model._meta.get_field(name)
    except FieldDoesNotExist:
        return {}
    return {key: str(word) for key, word in getattr(field, "flatchoices", None) or ()}


def _plain(value: Any) -> str:
    if value is None or value == "":
        return _("empty")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dict | list):
        return ngettext("%(n)s value", "%(n)s values", len(value)) % {"n": len(value)}
    text = str(value)
    if _HASH.fullmatch(text):
        return f"{text[:10]}…"
    return _dated(text) or text[:120]


def _dated(text: str) -> str:
    """An ISO date or moment as people write it, empty for anything else."""
    try:
        if _TIME.match(text) and (moment := parse_datetime(text)):
            return writing.day(timezone.localtime(moment) if timezone.is_aware(moment) else moment, "j M Y H:i")
        if _DAY.fullmatch(text) and (day := parse_date(text)):
            return writing.day(day, "j M Y")
    except ValueError:  # a day that no calendar has
        return ""
    return ""

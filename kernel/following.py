"""Following: people hear of records that they follow; and find those that they opened last."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models.functions import Now

from kernel import notifications, states
from kernel.models.activity import Follow, Visit
from kernel.models.people import User

SHOWN = 8
KEPT = 60  # visits of one person


@dataclass(frozen=True)
class Place:
    """A record as a list of places shows it."""

    text: str
    number: str
    url: str
    kind: str


def follow(record: models.Model, user: User) -> None:
    """Hear of a record from now on; again changes nothing."""
    Follow.objects.get_or_create(user=user, subject_type=record._meta.label_lower, subject_id=record.pk)


def leave(record: models.Model, user: User) -> None:
    """Hear of it no longer."""
    _of(record).filter(user=user).delete()


def follows(record: models.Model, user: User) -> bool:
    """Whether this person follows it."""
    return bool(_of(record).filter(user=user).exists())


def followers(record: models.Model, *, but: Iterable[User | None] = ()) -> list[User]:
    """Active people who follow a record and may still see it."""
    out = [person.pk for person in but if person]
    people = User.objects.filter(follows__in=_of(record), is_active=True).exclude(pk__in=out)
    return [person for person in people if may_see(record, person)]


def may_see(record: Any, person: User) -> bool:
    """Whether that person could open the record."""
    rows = type(record)._default_manager
    return hasattr(rows, "visible_to") and bool(rows.visible_to(person).filter(pk=record.pk).exists())


def moved(record: Any, field: str, by: User | None) -> None:
    """Followers hear that a record is in another state."""
    if not hasattr(record, "get_absolute_url") or not _of(record).exists():
        return
    word = states.look(str(getattr(record, field)), record).word.lower()
    people = followers(record, but=[by])
    notifications.tell(people, f"{record} is now {word}", record.get_absolute_url(), event="followed")


def visited(record: models.Model, user: User) -> None:
    """Note that a person opened a record, in one statement."""
    Visit.objects.bulk_create(
        [Visit(user=user, subject_type=record._meta.label_lower, subject_id=record.pk, at=Now())],
        update_conflicts=True, unique_fields=["user", "subject_type", "subject_id"], update_fields=["at"],
    )  # fmt: skip


def recent(user: User, limit: int = SHOWN) -> list[Place]:
    """Records that this person opened last, latest first, as far as they may still see them."""
    return _places(user, Visit.objects.filter(user=user).order_by("-at")[: limit * 2], limit)


def followed(user: User, limit: int = SHOWN) -> list[Place]:
    """Records that this person follows, the latest first."""
    return _places(user, Follow.objects.filter(user=user).order_by("-id")[: limit * 2], limit)


def forget() -> int:
    """Keep only the latest visits of each person. Returns how many went."""
    latest = Visit.objects.filter(user=models.OuterRef("user")).order_by("-at").values("pk")[:KEPT]
    return int(Visit.objects.exclude(pk__in=latest).delete()[0])


def _of(record: models.Model) -> Any:
    return Follow.objects.filter(subject_type=record._meta.label_lower, subject_id=record.pk)


def _places(user: User, rows: Iterable[Follow | Visit], limit: int) -> list[Place]:
    """One question for each kind of record, however many there are of it."""
    rows = list(rows)
    keys: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        keys[row.subject_type].append(row.subject_id)
    found: dict[tuple[str, int], Place] = {}
    for label, pks in keys.items():
        for record in _seen(label, pks, user):
            found[label, record.pk] = _place(record)
    ordered = [found[row.subject_type, row.subject_id] for row in rows if (row.subject_type, row.subject_id) in found]
    return ordered[:limit]


def _seen(label: str, pks: list[int], user: User) -> Iterable[Any]:
    try:
        rows = apps.get_model(label)._default_manager
    except LookupError:
        return []
    visible = rows.visible_to(user) if hasattr(rows, "visible_to") else rows.none()
    return [record for record in visible.filter(pk__in=pks) if hasattr(record, "get_absolute_url")]


def _place(record: Any) -> Place:
    name = next((str(text) for one in ("name", "title", "company") if (text := getattr(record, one, ""))), str(record))
    kind = str(record._meta.verbose_name).capitalize()
    return Place(name, str(getattr(record, "number", "") or ""), record.get_absolute_url(), kind)

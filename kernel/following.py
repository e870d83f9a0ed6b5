"""Following: people hear of records that they follow; and find those that they opened last."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models.functions import Now
from django_fsm import FSMField

from kernel import events, notifications, states
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


def follow(record: models.Model, *people: User) -> None:
    """They hear of a record from now on; again changes nothing."""
    label = record._meta.label_lower
    Follow.objects.bulk_create(
        [Follow(user=person, subject_type=label, subject_id=record.pk) for person in people], ignore_conflicts=True
    )


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


def hear(told: Iterable[events.Changed]) -> None:
    """Followers hear that records are in another state, but for the one who moved them."""
    for label, moved in _moves(told).items():
        model: Any = apps.get_model(label)
        follows = Follow.objects.filter(subject_type=label, subject_id__in=[one.subject_id for one in moved])
        people: dict[User, set[int]] = defaultdict(set)
        for row in follows.filter(user__is_active=True).select_related("user").order_by("user", "pk"):
            people[row.user].add(row.subject_id)
        seen = {user: _visible(model, user, keys) for user, keys in people.items()}
        for event in moved:
            readers = [user for user, rows in seen.items() if event.subject_id in rows and user.pk != event.by]
            if readers:
                record = seen[readers[0]][event.subject_id]
                text = f"{record} is now {states.look(_new_state(event), record).word.lower()}"
                notifications.tell(readers, text, record.get_absolute_url(), event="followed")


def _moves(told: Iterable[events.Changed]) -> dict[str, list[events.Changed]]:
    """Moves of records that have a page, by kind."""
    found: dict[str, list[events.Changed]] = defaultdict(list)
    for event in told:
        model: Any = apps.get_model(event.subject_type)
        if hasattr(model, "get_absolute_url") and hasattr(model._default_manager, "visible_to") and _new_state(event):
            found[event.subject_type].append(event)
    return found


def _new_state(event: events.Changed) -> str:
    """The state that a record came into, "" when it was something else that changed."""
    fields = (field.name for field in apps.get_model(event.subject_type)._meta.fields if isinstance(field, FSMField))
    return next((str(event.changes[name][1]) for name in fields if name in event.changes), "")


def _visible(model: Any, user: User, keys: Iterable[int]) -> dict[int, Any]:
    return {record.pk: record for record in model._default_manager.visible_to(user).filter(pk__in=keys)}


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

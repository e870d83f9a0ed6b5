"""Commenting: people write on records, name each other with @, and whoever follows hears of it."""

import re
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Q

from kernel import following, notifications
from kernel.models.activity import Comment
from kernel.models.people import User

NAMED = re.compile(r"(?<![\w@])@([\w.+-]*\w)")
SHOWN = 6
LONGEST = 4000  # characters


@dataclass
class Written:
    """A comment, and those named in it who may not see the record and were not told."""

    comment: Comment
    unreached: list[User] = field(default_factory=list)


@transaction.atomic
def write(*, record: Any, text: str, by: User, url: str) -> Written:
    """Keep a comment; tell those named in it and those who follow. The author and the named follow from now on."""
    label = record._meta.label_lower
    made = Comment.objects.create(subject_type=label, subject_id=record.pk, author=by, text=text)
    people = [person for person in named(text) if person != by]
    reached = [person for person in people if following.may_see(record, person)]
    words = " ".join(text.split())[:140]
    notifications.tell(reached, f"{by} on {record}: {words}", url, event="mention")
    others = following.followers(record, but=[by, *reached])
    notifications.tell(others, f"{by} on {record}: {words}", url, event="comment")
    following.follow(record, by, *reached)
    return Written(made, [person for person in people if person not in reached])


def note(record: Any, text: Any, *, by: User) -> None:
    """Keep what another system says about a record, if it says anything, as its user's comment."""
    if said := str(text or "").strip():
        write(record=record, text=said[:LONGEST], by=by, url=record.get_absolute_url())


def named(text: str) -> list[User]:
    """Active people whose user names stand in a text behind an @."""
    names = {name.lower() for name in NAMED.findall(text)}
    if not names:
        return []
    wanted = Q()
    for name in sorted(names)[:20]:
        wanted |= Q(username__iexact=name)
    return list(User.objects.filter(wanted, is_active=True).order_by("pk"))


def candidates(record: Any, typed: str) -> list[User]:
    """Colleagues whom a comment on this record could name: their names begin so, and they may see such records."""
    right = f"view_{record._meta.model_name}"
    may = Q(groups__permissions__codename=right, groups__permissions__content_type__app_label=record._meta.app_label)
    fits = Q(username__istartswith=typed) | Q(first_name__istartswith=typed) | Q(last_name__istartswith=typed)
    works = User.objects.filter(is_active=True).filter(may | Q(is_superuser=True)).filter(fits)
    return list(works.distinct().order_by("first_name", "last_name")[:SHOWN])

"""Commenting: people write on records, name each other with @, and whoever follows hears of it."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Q

from kernel import following, notifications
from kernel.models.activity import Comment
from kernel.models.people import User

NAMED = re.compile(r"(?<![\w@])@([\w.+-]*\w)")
SHOWN = 6
WORKS_HERE = "kernel.use_workspace"
LONGEST = 4000  # characters


@dataclass(frozen=True)
class Sharing:
    """How comments on a kind of record reach its customer: whether they have a page of one, who reads there, where."""

    is_shown: Callable[[Any], bool]
    readers: Callable[[Any], Iterable[User]]
    url: Callable[[Any], str]


_shared: dict[str, Sharing] = {}


@dataclass
class Written:
    """A comment, and those named in it who may not see the record and were not told."""

    comment: Comment
    unreached: list[User] = field(default_factory=list)


def share(label: str, how: Sharing) -> None:
    """Let comments on such records be written for their customer; called while apps load."""
    _shared[label] = how


def reaches_customer(record: Any) -> bool:
    """Whether the customer has a page on which they would read a comment that is not internal."""
    how = _shared.get(record._meta.label_lower)
    return how is not None and how.is_shown(record)


@transaction.atomic
def write(
    *, record: Any, text: str, by: User, url: str, internal: bool = True, first: Iterable[User] = ()
) -> Written:  # fmt: skip
    """Keep a comment; tell those named in it and those who follow. The author and the named follow from now on.

    `url` is the page of colleagues; customers hear of what is not internal alone, with the address of their own page.
    `first` are colleagues who hear of it at once, by mail too.
    """
    label = record._meta.label_lower
    made = Comment.objects.create(subject_type=label, subject_id=record.pk, author=by, text=text, internal=internal)
    people = [person for person in named(text) if person != by]
    followers = following.followers(record, but=[by])
    ours = _ours([*people, *followers]) | ({by.pk} if by.has_perm(WORKS_HERE) else set())
    reached = [person for person in people if person.pk in ours and following.may_see(record, person)]
    said = f"{by} on {record}: {' '.join(text.split())[:140]}"
    notifications.tell(reached, said, url, event="mention")
    at_once = [person for person in first if person != by and person not in reached]
    notifications.tell(at_once, said, url, event="deal", mail=True)
    told = {person.pk for person in (*reached, *at_once)}
    others = [person for person in followers if person.pk in ours - told]
    notifications.tell(others, said, url, event="comment")
    following.follow(record, *(person for person in (by, *reached) if person.pk in ours))
    if not internal and (how := _shared.get(label)):
        readers = [person for person in how.readers(record) if person != by]
        notifications.tell(readers, said, how.url(record), event="news", mail=True)
    return Written(made, [person for person in people if person not in reached])


def _ours(people: Iterable[User]) -> set[int]:
    """Keys of those who work here; the others are customers."""
    staff = User.objects.with_perm(WORKS_HERE, backend="django.contrib.auth.backends.ModelBackend")
    return set(staff.filter(pk__in=[person.pk for person in people]).values_list("pk", flat=True))


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

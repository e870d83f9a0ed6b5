"""Notifications: tell people, in the app and by mail after the commit, each as they chose for that kind of event."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kernel import letters, zones
from kernel.models.activity import Notification, NotificationChoice
from kernel.models.people import User

NOW, DAILY, NO = (choice.value for choice in NotificationChoice.Mail)
MORNING = dt.time(7)
DIGEST = 100  # lines of a summary


@dataclass(frozen=True)
class Event:
    """One kind of news. `mail` is what is usual; empty leaves it to whoever tells. `for_` says who hears of it."""

    name: str
    mail: str = ""
    for_: str = "staff"


EVENTS: dict[str, Event] = {
    "mention": Event("Somebody names you in a comment", NOW),
    "comment": Event("A comment on a record that you follow", DAILY),
    "followed": Event("A record that you follow moves on", NO),
    "approval": Event("Approvals that are asked of you, and answers to yours"),
    "task": Event("Work that is given to you or waits for your answer"),
    "deal": Event("Signatures, answers and expiry of your quotes and agreements"),
    "order": Event("Steps of your orders", for_="customers"),
    "danger": Event("Orders in jeopardy, fallout and what runs over its time"),
    "file": Event("Files and long work that are ready"),
    "news": Event("Everything else", for_="all"),
}


def tell(people: Iterable[User], text: str, url: str = "", *, event: str = "news", mail: bool = False) -> None:
    """Write one notification per person; mail goes out once the transaction has committed.

    `mail` says whether this is sent by mail to those who have not chosen for that kind of event.
    """
    usual = EVENTS[event].mail or (NOW if mail else NO)
    people = list(people)
    chosen = _chosen(people, event)
    rows, addresses = [], []
    for person in people:
        in_app, by_mail = chosen.get(person.pk, (True, ""))
        by_mail = by_mail or usual
        if in_app or by_mail == DAILY:
            waits = by_mail == DAILY and bool(person.email)
            rows.append(Notification(user=person, text=text[:240], url=url, event=event, in_app=in_app, waits=waits))
        if by_mail == NOW and person.email:
            addresses.append((person.email, person.language))
    Notification.objects.bulk_create(rows)
    if addresses:
        transaction.on_commit(lambda: _mail(addresses, text, url), robust=True)


def shown(user: User) -> Any:
    """What a person finds in the inbox."""
    return user.notifications.filter(in_app=True)


def unread(user: User) -> int:
    """How much of it is new."""
    return int(shown(user).filter(read_at__isnull=True).count())


def _chosen(people: list[User], event: str) -> dict[int, tuple[bool, str]]:
    rows = NotificationChoice.objects.filter(user__in=[person.pk for person in people], event=event) if people else ()
    return {row.user_id: (row.in_app, row.mail) for row in rows}


def choices_of(user: User) -> list[dict[str, object]]:
    """Every event that this person may hear of, with what holds for them; `mail` is empty where it depends."""
    own = {row.event: row for row in NotificationChoice.objects.filter(user=user)}
    whose = "customers" if "customer" in user.roles else "staff"
    return [
        {
            "event": key, "name": event.name, "in_app": own[key].in_app if key in own else True,
            "mail": own[key].mail if key in own else event.mail,
        }
        for key, event in EVENTS.items() if event.for_ in (whose, "all")
    ]  # fmt: skip


@transaction.atomic
def choose(*, user: User, wanted: Mapping[str, tuple[bool, str]]) -> None:
    """Keep event → (in the app, by mail) where it differs from what is usual; an empty mail is as usual."""
    rows = [
        NotificationChoice(user=user, event=event, in_app=in_app, mail=mail)
        for event, (in_app, mail) in wanted.items()
        if event in EVENTS and mail in ("", NOW, DAILY, NO) and (not in_app or mail != EVENTS[event].mail)
    ]
    NotificationChoice.objects.filter(user=user, event__in=list(wanted)).delete()
    NotificationChoice.objects.bulk_create(rows)


def send_digests(now: dt.datetime | None = None) -> int:
    """Mail each person's summary once it is morning where they are: what waited since the morning before.

    It is marked after it was sent: a crash in between sends it again. Returns how many were sent.
    """
    now, sent = now or timezone.now(), 0
    people = User.objects.filter(notifications__waits=True, is_active=True).distinct().order_by("pk")
    for person in people:
        morning = _morning(person, now)
        notes = list(person.notifications.filter(waits=True, at__lt=morning).order_by("id")[:DIGEST])
        if not notes or now < morning:
            continue
        lines = [f"{note.text}\n{settings.BASE_URL}{note.url}" if note.url else note.text for note in notes]
        what = "One thing" if len(lines) == 1 else f"{len(lines)} things"
        foot = f"Choose what you hear of: {settings.BASE_URL}/profile/notifications/"
        body = "\n\n".join([*lines, foot])
        letters.send(f"{what} since yesterday", body, person.email, language=person.language)
        Notification.objects.filter(pk__in=[note.pk for note in notes]).update(waits=False)
        sent += 1
    return sent


def _morning(person: User, now: dt.datetime) -> dt.datetime:
    """The last moment at which it was seven o'clock where that person is."""
    zone = zones.named(person.time_zone)
    here = now.astimezone(zone)
    morning = dt.datetime.combine(here.date(), MORNING, tzinfo=zone)
    return morning if morning <= here else morning - dt.timedelta(days=1)


def _mail(addresses: list[tuple[str, str]], text: str, url: str) -> None:
    for address, language in addresses:
        letters.send(text, f"{text}\n\n{settings.BASE_URL}{url}\n", address, language=language)

"""Keyset paging: every row once, in order, forwards and backwards, whatever the key; made-up tokens are refused."""

import datetime as dt
import random

import pytest
from django.core import signing
from django.core.exceptions import BadRequest
from django.http import QueryDict
from django.utils import timezone

from kernel import keyset
from kernel.models import Notification, User
from tests.factories.people import UserFactory


def notes_with_random_times(user: User, dice: random.Random, count: int = 23) -> None:
    base = timezone.now()
    Notification.objects.bulk_create(
        Notification(
            user=user,
            text=dice.choice("abc"),
            read_at=dice.choice(
                [None, base, base + dt.timedelta(days=1), base + dt.timedelta(days=dice.randint(0, 9))]
            ),
        )
        for _ in range(count)
    )


def expected(sort: str) -> list[int]:
    path, down = sort.lstrip("-"), sort.startswith("-")
    rows = list(Notification.objects.all())
    if path == "pk":
        return sorted((n.pk for n in rows), reverse=down)
    full = sorted(
        (n for n in rows if getattr(n, path) is not None), key=lambda n: (getattr(n, path), n.pk), reverse=down
    )
    empty = sorted((n for n in rows if getattr(n, path) is None), key=lambda n: n.pk, reverse=down)
    return [n.pk for n in full + empty]


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sort", ["read_at", "-read_at", "text", "-text", "pk", "-pk", "user__username"])
def test_walking_forwards_and_back_shows_every_row_once(sort: str, seed: int) -> None:
    dice = random.Random(seed)
    notes_with_random_times(UserFactory(), dice)
    size, wanted = dice.randint(1, 6), None
    found = Notification.objects.all()
    wanted = expected(sort) if sort != "user__username" else expected("pk")

    pages, query = [], QueryDict("")
    while True:
        page = keyset.paginate(found, sort, query, size=size)
        pages.append(page)
        if not page.after:
            break
        query = QueryDict(mutable=True)
        query["after"] = page.after
    assert [row.pk for page in pages for row in page.rows] == wanted
    assert [page.start for page in pages] == list(range(1, len(wanted) + 1, size))
    assert not pages[0].before

    seen = [pages[-1]]
    while seen[0].before:
        query = QueryDict(mutable=True)
        query["before"] = seen[0].before
        seen.insert(0, keyset.paginate(found, sort, query, size=size))
    assert [row.pk for page in seen for row in page.rows] == wanted


@pytest.mark.django_db
def test_rows_that_come_and_go_do_not_shift_a_page() -> None:
    notes_with_random_times(UserFactory(), random.Random(1), 10)
    first = keyset.paginate(Notification.objects.all(), "-pk", QueryDict(""), size=4)
    Notification.objects.create(user=User.objects.get(), text="new")
    first.rows[0].delete()
    query = QueryDict(mutable=True)
    query["after"] = first.after
    second = keyset.paginate(Notification.objects.all(), "-pk", query, size=4)
    assert max(row.pk for row in second.rows) < min(row.pk for row in first.rows if row.pk)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "token",
    [
        "", "x", "a:b:c", "[]", "eyJ9:1:2", "..", "\x00", "é" * 300,
        signing.dumps(["-pk", "", None, 1, 0], salt="another"),
        signing.dumps(["text", "", "a", 1, 0], salt=keyset.SALT),
        signing.dumps(["-pk", "t", "no date", 1, 0], salt=keyset.SALT),
        signing.dumps({"a": 1}, salt=keyset.SALT),
    ],
    ids=str.__len__,  # the tokens themselves hold the time
)  # fmt: skip
def test_made_up_tokens_are_refused(token: str) -> None:
    query = QueryDict(mutable=True)
    query["after"] = token
    if token == "":
        assert keyset.paginate(Notification.objects.all(), "-pk", query, size=5).rows == []
        return
    with pytest.raises(BadRequest):
        keyset.paginate(Notification.objects.all(), "-pk", query, size=5)

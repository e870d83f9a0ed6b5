"""The outbox: told at least once, dealt with exactly once, one broken reaction holds nobody back."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models.functions import Now
from psycopg.errors import DeadlockDetected
from pytest_django import DjangoAssertNumQueries

from kernel import outbox
from kernel.models import Notification, OutboxDelivery, OutboxEvent, User
from tests.factories.people import UserFactory


@dataclass(frozen=True)
class Happened:
    user_id: int
    text: str


@dataclass(frozen=True)
class Asked:
    """Somebody wants something to begin."""

    begins: ClassVar[bool] = True
    text: str


@pytest.fixture(autouse=True)
def clean_registry() -> Iterator[None]:
    yield
    outbox._known.pop(outbox.kind_of(Happened), None)
    outbox._known.pop(outbox.kind_of(Asked), None)


def writes(event: Happened) -> None:
    Notification.objects.create(user_id=event.user_id, text=event.text)


def breaks(event: Happened) -> None:
    Notification.objects.create(user_id=event.user_id, text="half done")
    raise RuntimeError("the other system is away")


@pytest.mark.django_db
def test_an_event_reaches_every_reaction_once() -> None:
    user = UserFactory()
    outbox.reaction(Happened)(writes)
    outbox.publish(Happened(user.pk, "told"))
    assert outbox.drain() == 1
    assert outbox.drain() == 0
    assert [note.text for note in Notification.objects.all()] == ["told"]
    assert OutboxEvent.objects.get().done_at is not None


@pytest.mark.django_db
def test_an_event_of_a_transaction_that_failed_was_never_told() -> None:
    user = UserFactory()
    outbox.reaction(Happened)(writes)

    @transaction.atomic
    def fails() -> None:
        outbox.publish(Happened(user.pk, "no"))
        User.objects.create(username=user.username, email="x@trunkline.example")

    with pytest.raises(IntegrityError):
        fails()
    assert outbox.drain() == 0
    assert not Notification.objects.exists()


@pytest.mark.django_db
def test_a_broken_reaction_leaves_nothing_behind_backs_off_and_spares_the_others() -> None:
    user = UserFactory()
    outbox.reaction(Happened)(breaks)
    outbox.reaction(Happened)(writes)
    outbox.publish(Happened(user.pk, "told"))
    outbox.publish(Happened(user.pk, "told too"))
    assert outbox.drain() == 2
    assert sorted(note.text for note in Notification.objects.all()) == ["told", "told too"]
    waiting = OutboxEvent.objects.filter(done_at__isnull=True, due_at__gt=Now())
    assert waiting.count() == 2
    assert "the other system is away" in waiting[0].error
    assert outbox.drain() == 0


@pytest.mark.django_db
def test_when_it_works_again_only_the_broken_reaction_runs_again() -> None:
    user = UserFactory()
    outbox.reaction(Happened)(breaks)
    outbox.reaction(Happened)(writes)
    outbox.publish(Happened(user.pk, "told"))
    outbox.drain()
    known = outbox._known[outbox.kind_of(Happened)]
    known.reactions[f"{breaks.__module__}.{breaks.__name__}"] = lambda event: Notification.objects.create(
        user_id=event.user_id, text="mended"
    )
    OutboxEvent.objects.update(due_at=Now())
    assert outbox.drain() == 1
    assert sorted(note.text for note in Notification.objects.all()) == ["mended", "told"]
    assert OutboxDelivery.objects.count() == 2


@pytest.mark.django_db
def test_back_off_grows_and_has_an_end() -> None:
    user = UserFactory()
    outbox.reaction(Happened)(breaks)
    outbox.publish(Happened(user.pk, "told"))
    waits = []
    for attempts in (0, 3, 40):
        OutboxEvent.objects.update(due_at=Now(), attempts=attempts)
        outbox.deliver()
        event = OutboxEvent.objects.get()
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM due_at - clock_timestamp()) FROM kernel_outboxevent")
            waits.append(round(float(cursor.fetchone()[0])))
        assert event.attempts == attempts + 1
    assert waits == [2, 16, outbox.MAX_BACKOFF]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_deliverers_beside_each_other_never_deal_with_an_event_twice() -> None:
    user = UserFactory()
    outbox.reaction(Happened)(writes)
    outbox.publish_all([Happened(user.pk, f"n{n}") for n in range(60)])

    def deliver() -> None:
        try:
            outbox.deliver()
        finally:
            connection.close()

    workers = [threading.Thread(target=deliver) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    outbox.drain()
    assert sorted(note.text for note in Notification.objects.all()) == sorted(f"n{n}" for n in range(60))
    assert not OutboxEvent.objects.filter(done_at__isnull=True).exists()


def collects(calls: list[list[str]]) -> Callable[[list[Happened]], None]:
    def take(events: list[Happened]) -> None:
        calls.append([event.text for event in events])
        Notification.objects.bulk_create(Notification(user_id=event.user_id, text=event.text) for event in events)
        if any(event.text == "poison" for event in events):
            raise RuntimeError("cannot be told")

    return take


@pytest.mark.django_db
def test_a_reaction_to_many_hears_them_at_once_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "PACE", 3600.0)
    user, calls = UserFactory(), list[list[str]]()
    outbox.reaction_to_many(Happened)(collects(calls))
    outbox.publish_all([Happened(user.pk, f"n{n:03}") for n in range(outbox.BATCH + 5)])
    assert outbox.drain() == outbox.BATCH + 5
    assert [len(call) for call in calls] == [outbox.FIRST, 2 * outbox.FIRST, outbox.BATCH + 5 - 3 * outbox.FIRST]
    heard = [text for call in calls for text in call]
    assert heard == sorted(heard)
    assert OutboxDelivery.objects.count() == outbox.BATCH + 5


@pytest.mark.django_db
def test_batches_that_take_long_are_halved_and_a_turn_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    user, calls = UserFactory(), list[list[str]]()
    outbox.reaction_to_many(Happened)(collects(calls))
    monkeypatch.setattr(outbox, "PACE", 0.0)
    monkeypatch.setattr(outbox, "GAIN", 1e9)  # every smaller batch is worth while
    outbox.publish_all([Happened(user.pk, "told") for _ in range(outbox.FIRST + 20)])
    assert outbox.deliver() == outbox.FIRST + 20
    assert [len(call) for call in calls] == [outbox.FIRST, 12, 6, 2]
    outbox.publish_all([Happened(user.pk, "told") for _ in range(3)])
    monkeypatch.setattr(outbox, "TURN", 0.0)
    assert outbox.deliver() == 0
    assert OutboxEvent.objects.filter(done_at__isnull=True).count() == 3


@pytest.mark.parametrize(
    ("own", "each", "sizes"),
    [
        (0.0, 0.1, [25, 12, 6, 6, 6, 6]),  # smaller is quicker: about a second each
        (2.0, 0.0, [25, 12, 50, 25, 100, 50, 100, 50]),  # smaller only means more of them
        (0.0, 0.001, [25, 50, 100, 100]),
    ],
)
def test_batches_get_smaller_only_where_that_makes_them_quicker(own: float, each: float, sizes: list[int]) -> None:
    known, found = outbox._Known(Happened, {}, set()), []
    for _ in sizes:
        found.append(known.size)
        known.learn(known.size, own + each * known.size)
    assert found == sizes


@pytest.mark.django_db
def test_what_has_begun_is_told_before_more_begins() -> None:
    user, heard = UserFactory(), list[str]()
    outbox.reaction(Asked)(lambda event: heard.append(event.text))
    outbox.reaction(Happened)(lambda event: heard.append(event.text))
    outbox.publish_all([Asked("first"), Asked("second")])
    outbox.publish(Happened(user.pk, "under way"))
    outbox.publish_all([Happened(user.pk, "nearly done")])
    outbox.drain()
    assert heard == ["under way", "nearly done", "first", "second"]


@pytest.mark.django_db
def test_many_events_cost_as_many_statements_as_few(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    user = UserFactory()
    outbox.reaction_to_many(Happened)(collects([]))
    for count in (3, outbox.FIRST):
        outbox.publish_all([Happened(user.pk, "told") for _ in range(count)])
        with django_assert_num_queries(12):
            outbox.deliver()


@pytest.mark.django_db
def test_one_poisonous_event_among_many_holds_only_itself_back() -> None:
    user = UserFactory()
    outbox.reaction_to_many(Happened)(collects([]))
    outbox.publish_all([Happened(user.pk, text) for text in ("one", "poison", "two")])
    assert outbox.drain() == 3
    assert sorted(note.text for note in Notification.objects.all()) == ["one", "two"]
    waiting = OutboxEvent.objects.get(done_at__isnull=True)
    assert waiting.payload["text"] == "poison"
    assert "cannot be told" in waiting.error


@pytest.mark.django_db
def test_whoever_lost_a_deadlock_is_told_again_at_once() -> None:
    user, tries = UserFactory(), list[int]()

    def loses_twice(events: list[Happened]) -> None:
        tries.append(len(events))
        Notification.objects.create(user_id=user.pk, text=f"try {len(tries)}")
        if len(tries) < 3:
            raise OperationalError("deadlock detected") from DeadlockDetected()

    outbox.reaction_to_many(Happened)(loses_twice)
    outbox.publish_all([Happened(user.pk, "a"), Happened(user.pk, "b")])
    assert outbox.deliver() == 2
    assert tries == [2, 2, 2]
    assert [note.text for note in Notification.objects.all()] == ["try 3"]
    assert set(OutboxEvent.objects.values_list("attempts", flat=True)) == {1}

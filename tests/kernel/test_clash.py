"""A transaction that lost a deadlock is done again; any other failure is not."""

import threading
from collections.abc import Callable

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.urls import path
from psycopg.errors import DeadlockDetected

from config import urls as product
from kernel import clash
from kernel.models import User
from tests.factories.people import UserFactory


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_of_two_that_want_each_others_rows_both_get_through() -> None:
    first, second = UserFactory().pk, UserFactory().pk
    meet = threading.Barrier(2, timeout=10)
    runs: list[int] = []

    def rename(mine: int, theirs: int) -> Callable[[], None]:
        tried = False

        @transaction.atomic
        def act() -> None:
            nonlocal tried
            User.objects.filter(pk=mine).update(first_name=f"by {mine}")
            if not tried:
                tried = True
                meet.wait()
            runs.append(mine)
            User.objects.filter(pk=theirs).update(last_name=f"by {mine}")

        return act

    def work(mine: int, theirs: int) -> None:
        try:
            clash.again(rename(mine, theirs))
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) >= 3  # one of the two, at least, was done again
    names = dict(User.objects.filter(pk__in=[first, second]).values_list("first_name", "last_name"))
    assert names == {f"by {first}": f"by {second}", f"by {second}": f"by {first}"}


def test_what_failed_for_another_reason_is_not_done_again() -> None:
    calls: list[int] = []

    def fails() -> None:
        calls.append(1)
        raise OperationalError("the server closed the connection")

    with pytest.raises(OperationalError):
        clash.again(fails)
    assert len(calls) == 1


def test_clashes_without_end_are_told() -> None:
    calls: list[int] = []

    def fails() -> None:
        calls.append(1)
        raise OperationalError("deadlock detected") from DeadlockDetected()

    with pytest.raises(OperationalError):
        clash.again(fails)
    assert len(calls) == clash.TRIES


def _clashing(request: object) -> None:
    raise OperationalError("deadlock detected") from DeadlockDetected()


urlpatterns = [path("clash/", _clashing), *product.urlpatterns]


@pytest.mark.django_db
@pytest.mark.urls("tests.kernel.test_clash")
def test_a_person_whose_request_lost_hears_that_nothing_was_saved(client: Client) -> None:
    answer = client.post("/clash/", headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert "nothing was saved" in answer.headers["HX-Trigger"]

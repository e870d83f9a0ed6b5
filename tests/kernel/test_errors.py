"""Error pages of faults: a database that is away is 503 with the time to come back, any other fault of ours 500."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from kernel.models import User
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(client: Client) -> User:
    person: User = UserFactory(role="sales_agent")
    client.force_login(person)
    client.raise_request_exception = False
    return person


def raising(error: Exception) -> Callable[..., Any]:
    def execute(*_: Any) -> Any:
        raise error

    return execute


@pytest.mark.parametrize("error", [OperationalError("server closed the connection"), InterfaceError("closed")])
def test_a_database_that_is_away_is_503_with_the_time_to_come_back(
    client: Client, agent: User, error: Exception
) -> None:
    with connection.execute_wrapper(raising(error)):
        answer = client.get("/leads/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "never in part" in answer.content.decode()


def test_a_fragment_asks_for_another_try_in_a_toast(client: Client, agent: User) -> None:
    with connection.execute_wrapper(raising(OperationalError("gone"))):
        answer = client.get("/leads/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Reswap"], answer["Retry-After"]) == (503, "none", "5")
    assert "Try again" in answer["HX-Trigger"]


def test_any_other_fault_is_ours(client: Client, agent: User) -> None:
    with connection.execute_wrapper(raising(RuntimeError("a mistake"))):
        answer = client.get("/leads/")
    assert answer.status_code == 500
    assert not answer.has_header("Retry-After")
    assert "Something broke" in answer.content.decode()

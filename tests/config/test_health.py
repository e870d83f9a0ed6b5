"""The health page and the script that asks it."""

import pytest
from django.db import DatabaseError
from django.test import Client


@pytest.mark.django_db
def test_it_is_well_when_database_and_broker_answer(client: Client) -> None:
    answer = client.get("/healthz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "broker": "ok"}
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_it_names_the_part_that_does_not(client: Client, settings: pytest.FixtureRequest) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]

    answer = client.get("/healthz")

    assert answer.status_code == 503
    assert answer.json() == {"status": "unhealthy", "database": "ok", "broker": "unreachable"}


@pytest.mark.django_db
def test_it_says_no_more_than_that(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise DatabaseError("password of postgres is secret")

    monkeypatch.setattr("kernel.views.health._ask_database", fail)

    answer = client.get("/healthz")

    assert answer.status_code == 503
    assert "secret" not in answer.content.decode()


def test_only_reading_is_allowed(client: Client) -> None:
    assert client.post("/healthz").status_code == 405

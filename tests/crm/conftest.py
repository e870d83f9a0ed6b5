"""People at their screens."""

from collections.abc import Callable

import pytest
from django.test import Client

from tests.factories.people import UserFactory

At = Callable[[str], Client]


@pytest.fixture
def at() -> At:
    """`at("sales_agent")`: a browser in which a person of that role is logged in; "" for a person without a role."""

    def log_in(role: str) -> Client:
        client = Client()
        client.force_login(UserFactory(role=role) if role else UserFactory())
        return client

    return log_in


@pytest.fixture
def seller(at: At) -> Client:
    """A sales agent's browser."""
    return at("sales_agent")

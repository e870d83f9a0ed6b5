"""The test catalogue, published once for each file of tests."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from tests.factories import catalog


@pytest.fixture(scope="module")
def catalogue(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Publish it in a transaction around the file's tests, undone afterwards."""
    with django_db_blocker.unblock(), transaction.atomic():
        catalog.publish()
        yield
        transaction.set_rollback(True)

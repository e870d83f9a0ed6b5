"""Clash: two transactions wanted each other's locks; the one that PostgreSQL ended is simply done again."""

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError
from psycopg import errors

TRIES = 6

Result = TypeVar("Result")


def is_clash(error: BaseException) -> bool:
    """Whether a transaction failed only because another one was in its way (SQLSTATE 40P01 or 40001)."""
    return isinstance(error, OperationalError) and isinstance(
        error.__cause__, (errors.DeadlockDetected, errors.SerializationFailure)
    )


def again(transaction: Callable[[], Result]) -> Result:
    """Run a whole transaction, once more at once when it lost a clash. Raises the last clash after TRIES."""
    for _ in range(TRIES - 1):
        try:
            return transaction()
        except OperationalError as error:
            if not is_clash(error):
                raise
    return transaction()

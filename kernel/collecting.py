"""Collecting: the interpreter's search for cycles rests while much is made that is kept."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def later() -> Iterator[None]:
    """Look for cycles only afterwards.

    Tens of thousands of objects that all stay would be looked at again and again, a quarter of the work of a large
    order. Whatever is in no cycle is freed at once all the same.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()

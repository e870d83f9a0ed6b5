"""Settling: what a process has loaded for good is left out of the rounds of the garbage collector."""

import gc
from importlib import import_module

from django.conf import settings

YOUNG = 10_000  # new objects between two rounds; a page makes some thousands, most of which die by themselves


def settle() -> None:
    """Load what every request needs, then no longer look through it: a full round took longer than a page."""
    import_module(settings.ROOT_URLCONF)
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)

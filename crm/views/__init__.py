"""Screens of customers and the pipeline, one file per screen."""

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


def editing_of(request: HttpRequest) -> int:
    """The edition that the form carried; 0, which no record has, for anything else."""
    shown = request.POST.get("edition", "")
    return int(shown) if shown.isdecimal() and len(shown) < 10 else 0


def lazily(record: Any, *wanted: tuple[str, str]) -> list[tuple[str, str]]:
    """(title, URL) of panels that apps above offer for a record, by URL name taking its number or its key."""
    found = []
    for title, name in wanted:
        for argument in (record.number, record.pk):
            try:
                found.append((title, reverse(name, args=[argument])))
                break
            except NoReverseMatch:
                continue
    return found

"""Zones: the time zone that a person or a calendar names, or the house's own where there is none of that name."""

import zoneinfo

from django.conf import settings


def named(name: str) -> zoneinfo.ZoneInfo:
    """The zone of that name, such as Europe/Amsterdam."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo(settings.TIME_ZONE)

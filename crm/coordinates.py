"""Coordinates: where a site is, in degrees."""

from typing import Any

LIMITS = {"latitude": 90, "longitude": 180}
HALF = "Give both latitude and longitude, or neither."


def too_far(name: str, value: Any) -> str:
    """What is wrong with a latitude or longitude by itself; empty when it can be one, or there is none."""
    limit = LIMITS[name]
    return f"A number between −{limit} and {limit}." if value is not None and abs(value) > limit else ""

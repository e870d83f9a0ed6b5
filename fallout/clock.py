"""The clock: how much of a service level is left, in words and tone."""

import datetime as dt
from dataclasses import dataclass

NEAR = dt.timedelta(hours=2)
SOON = dt.timedelta(hours=4)


@dataclass(frozen=True)
class Left:
    """Time left in words; tone bad under two hours or over, risk under four."""

    text: str
    tone: str
    over: bool


def left(due: dt.datetime, now: dt.datetime, standing: int | None = None) -> Left:
    """What is left until `due`; `standing` is the working seconds left while the clock stands."""
    if standing is not None:
        return Left(f"paused, {span(dt.timedelta(seconds=standing))} left", "", False)
    rest = due - now
    if rest < dt.timedelta(0):
        return Left(f"{span(-rest)} over", "bad", True)
    return Left(span(rest), "bad" if rest < NEAR else "risk" if rest < SOON else "", False)


def span(length: dt.timedelta) -> str:
    """A length of time in its two largest units, such as 3 d 4 h or 48 min."""
    minutes = int(length.total_seconds() // 60)
    days, minutes = divmod(minutes, 1440)
    hours, minutes = divmod(minutes, 60)
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes:02d} min" if minutes and hours < 8 else f"{hours} h"
    return f"{minutes} min"

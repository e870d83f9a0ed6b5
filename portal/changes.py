"""Changes: what happened to an order, told to its customer; nothing that we keep among ourselves."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from kernel.models import AuditEntry
from orders.models import Order
from portal import stages
from portal.tracking import Progress

# Of our own trail only these moves concern the customer, in these words. Reasons, names and values stay inside.
TOLD: dict[str, tuple[str, str, str]] = {
    "submitted": ("inbox", "run", "We received your order"),
    "approved": ("circle-check", "ok", "We accepted your order"),
    "in_progress": ("player-play", "run", "Work on your order has started"),
    "on_hold": ("player-pause", "wait", "Your order is paused"),
    "awaiting_information": ("hand-stop", "wait", "We wait for your answer"),
    "completed": ("circle-check", "ok", "Everything you ordered works"),
    "partial": ("circle-half-2", "risk", "Part of your order works; the rest could not be delivered"),
    "failed": ("alert-triangle", "bad", "We could not deliver your order"),
    "rejected": ("circle-x", "bad", "We could not accept your order"),
    "cancelled": ("circle-x", "idle", "Your order is cancelled"),
}

ENDING: dict[str, tuple[str, str, str]] = {  # of an order that switches off what a contract left
    "submitted": ("inbox", "run", "Your contract has ended"),
    "approved": ("circle-check", "ok", "The switch-off is planned"),
    "in_progress": ("player-play", "run", "We are switching it off"),
    "completed": ("circle-check", "ok", "Everything under the contract is switched off"),
}


@dataclass(frozen=True)
class Change:
    """One line of the feed."""

    at: dt.datetime
    icon: str
    tone: str
    text: str
    old: dt.date | None = None
    new: dt.date | None = None

    @property
    def tone_class(self) -> str:
        """The icon's colour class."""
        return f"c-{self.tone}"


def feed(progress: Progress) -> list[Change]:
    """What happened, newest first; one question."""
    found = [*_order(progress.order), *_sites(progress)]
    return sorted(found, key=lambda change: change.at, reverse=True)


def _order(order: Any) -> list[Change]:
    rows = AuditEntry.objects.filter(subject_type=Order._meta.label_lower, subject_id=order.pk).order_by("id")
    found, seen = [], set()
    for at, moved, why in rows.values_list("at", "changes", "reason"):
        state = moved.get("state", [None, None])[1] if isinstance(moved.get("state"), list) else None
        if state in TOLD and (state not in seen or state in ("on_hold", "awaiting_information")):
            seen.add(state)
            told = ENDING if order.channel == Order.Channel.CONTRACT else TOLD
            found.append(Change(at, *told.get(state, TOLD[state])))
        date = moved.get("promised_on")
        if isinstance(date, list) and date[1]:
            old, new = _date(date[0]), _date(date[1])
            text = "The date of the order has moved" if old else "We promised a date"
            text = f"{text}: {why[0].lower()}{why[1:]}" if old and why else text
            found.append(Change(at, "calendar-time", "risk" if old else "run", text, old, new))
    return found


def _sites(progress: Progress) -> list[Change]:
    found = []
    for site in progress.sites:
        for key, count in site.road.counts.items():
            if count.over and count.ended_at and key in stages.DONE and (key != "working" or site.works):
                icon, tone, text = stages.DONE[key]
                found.append(Change(count.ended_at, icon, tone, str(text) % {"site": site.site.name}))
    return found


def _date(text: Any) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(text))
    except ValueError:
        return None

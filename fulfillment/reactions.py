"""Reactions: what the engine does when something was announced."""

import datetime as dt

from fulfillment import events, scheduling
from kernel import outbox


@outbox.reaction(events.DatesLeft)
def date_the_rest(event: events.DatesLeft) -> None:
    """Rows that were held when their root was dated get their dates."""
    wish = dt.date.fromisoformat(event.requested_on) if event.requested_on else None
    scheduling.schedule(event.root_type, event.root_id, start=dt.date.fromisoformat(event.start), requested_on=wish)

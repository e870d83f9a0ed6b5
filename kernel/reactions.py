"""Reactions: what the kernel does when something was announced."""

from kernel import events, outbox
from kernel.rest import notices


@outbox.reaction_to_many(events.Changed)
def tell_listeners(told: list[events.Changed]) -> None:
    """Other systems hear of what changed."""
    notices.prepare(told)

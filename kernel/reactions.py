"""Reactions: what the kernel does when something was announced."""

from kernel import events, following, outbox
from kernel.rest import notices


@outbox.reaction_to_many(events.Changed)
def tell_listeners(told: list[events.Changed]) -> None:
    """Other systems hear of what changed."""
    notices.prepare(told)


@outbox.reaction_to_many(events.Changed)
def tell_followers(told: list[events.Changed]) -> None:
    """People hear of the records that they follow."""
    following.hear(told)

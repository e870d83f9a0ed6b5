"""Refusals: what the product says when it will not do something, worded for the person who reads it."""


class Refusal(Exception):
    """The act was understood and is refused; nothing was stored.

    `problems` maps a field (or "" for the whole) to sentences. Subclasses set `status`, the HTTP status of the answer.
    """

    status = 422

    def __init__(self, message: str = "", problems: dict[str, list[str]] | None = None) -> None:
        self.problems = problems or ({"": [message]} if message else {})
        super().__init__(message or "; ".join(text for texts in self.problems.values() for text in texts))


class Conflict(Refusal):
    """Somebody else was first, or the record is not in a state that allows it."""

    status = 409


class NotPermitted(Refusal):
    """The person lacks the right; the message names it."""

    status = 403

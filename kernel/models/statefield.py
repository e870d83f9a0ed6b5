"""The state of a lifecycle: django-fsm in Python, plain text in the database and in migrations."""

from typing import Any

from django_fsm import FSMField


class StateField(FSMField):
    """A state that only transitions change.

    Migrations see a CharField without choices: the moves are guarded by a trigger, new states need no change of the
    column, and old migrations do not depend on django-fsm.
    """

    def deconstruct(self) -> tuple[str, str, Any, dict[str, Any]]:
        name, _, args, kwargs = super().deconstruct()
        return (
            name,
            "django.db.models.CharField",
            args,
            {k: v for k, v in kwargs.items() if k not in ("protected", "choices")},
        )

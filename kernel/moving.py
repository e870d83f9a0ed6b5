"""Moving: the one place behind the move buttons of every record page.

An app whose move is more than the transition itself registers its act, from its `apps.py` or `roles.py`:

    moving.register(Order, submit=lambda pk, by, reason: submission.submit(order_id=pk, by=by))

Every other transition that is not `hidden` is made as declared, on a locked row.
"""

from collections.abc import Callable
from typing import Any

from django.db import models, transaction

from kernel import lifecycle
from kernel.models.people import User
from kernel.refusal import Refusal

Act = Callable[[int, User, str], Any]
_acts: dict[tuple[str, str], Act] = {}


def register(model: type[models.Model], **acts: Act) -> None:
    """Let these transitions of a model run these acts, called as `act(pk, by, reason)`."""
    _acts.update({(model._meta.label_lower, name): act for name, act in acts.items()})


@transaction.atomic
def make(record: Any, name: str, *, by: User, reason: str = "", inputs: dict[str, Any] | None = None) -> Any:
    """Make one move of a record by its transition's name.

    Raises:
        IllegalMove: there is no such move, it belongs to the machine, or the state does not allow it.
        NotPermitted: the person lacks the right.
        Refusal: the move needs a reason and none was given.
    """
    model = type(record)
    method = lifecycle.transition_named(model, name)
    declared = [t for t in method._django_fsm.transitions.values() if t.name == name]  # type: ignore[attr-defined]
    act = _acts.get((model._meta.label_lower, name))
    if act is None and all(t.custom.get("hidden") for t in declared):
        raise lifecycle.IllegalMove("This move is made by the system, not by hand.")
    lifecycle.require_source(record, method)
    if not reason and any(t.custom.get("needs_reason") for t in declared):
        raise Refusal(problems={"reason": ["Say why; it is kept with the record."]})
    if act is not None:
        return act(record.pk, by, reason)
    locked = model._default_manager.locked(record.pk)
    return lifecycle.move(locked, method, by=by, reason=reason, **(inputs or {}))

"""Owning: giving ticked records of a list to somebody else, as an act for many."""

from functools import partial
from typing import Any

from crm import ownership
from crm.forms import OwnerForm
from kernel import many
from kernel.models import Record, User


def _give(model: type[Record], pk: int, by: User, *, to: User) -> Any:
    return ownership.give(model, pk, to=to, by=by)


def giving(model: type[Record], permission: str) -> many.Act:
    """The act that gives records of this model to another owner."""
    one = partial(_give, model)
    return many.Act("give", "Give to", "user-plus", permission, one, ownership.why_not, OwnerForm)

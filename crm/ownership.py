"""Ownership: a lead, an opportunity or a customer goes to somebody else who sells."""

from typing import Any

from django.db import transaction

from crm.models import Lead
from kernel import editing
from kernel.models import Record, User
from kernel.refusal import Conflict

SELLS = "crm.work_opportunity"


class MaySell(Conflict):
    """Only people who sell own what is sold."""


@transaction.atomic
def give(model: type[Record], pk: int, *, to: User, by: User) -> Any:
    """Give a record to somebody. Raises Conflict when it is over, or when they may not sell."""
    if not to.is_active or not to.has_perm(SELLS):
        raise MaySell(f"{to} does not sell; choose somebody who does.")
    record: Any = model.objects.locked(pk)
    if why := why_not(record, by):
        raise Conflict(f"{record} is {why}; it keeps its owner.")
    return editing.edit(model, pk, edition=record.edition, values={"owner": to}, by=by)


def why_not(record: Any, by: User) -> str:
    """Why a record keeps its owner; empty when it can go to somebody else."""
    if isinstance(record, Lead) and record.state == Lead.State.CONVERTED:
        return "converted"
    state = getattr(record, "state", "open")
    return f"{state}" if state in ("won", "lost") else ""

"""Limits: an operator says how many calls of a system, or tasks of a team, run at once."""

from django.db import transaction

from fulfillment import adapters, release
from fulfillment.models import Capacity, PlanItem
from kernel import audit
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal

RIGHT = "fulfillment.change_capacity"
MOST = 10_000


def choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """What can be limited, in groups: every system that is called, every team that a step names."""
    teams = PlanItem.objects.exclude(team="").order_by("team").values_list("team", flat=True).distinct()
    systems = [(f"system:{name}", name.replace("_", " ").capitalize()) for name in adapters.SYSTEMS]
    return [("Open calls of a system", systems), ("Tasks in progress of a team", [(f"team:{n}", n) for n in teams])]


@transaction.atomic
def limit(*, what: str, most: int, by: User) -> Capacity:
    """Let at most so many run at once; `what` is kind:name. A second limit of the same takes the place of the first.

    Raises:
        Refusal: there is no such system or team, or the number is out of range; at its field.
        NotPermitted
    """
    _require_right(by)
    kind, _, name = what.partition(":")
    problems = {}
    if what not in {value for _, group in choices() for value, _ in group}:
        problems["what"] = ["Choose a system or a team."]
    if not 1 <= most <= MOST:
        problems["most"] = [f"Enter a number from 1 to {MOST}."]
    if problems:
        raise Refusal(problems=problems)
    row, fresh = Capacity.objects.get_or_create(kind=kind, name=name, defaults={"most": most})
    before: int | None = None
    if not fresh:
        row = Capacity.objects.select_for_update().get(pk=row.pk)
        before, row.most = row.most, most
        row.save(update_fields=["most"])
    if before != most:
        audit.record("limited", row, by=by, changes={"at most": [before, most]})
        release.wake()  # what waited for room may start
    return row


@transaction.atomic
def lift(*, pk: int, by: User) -> str:
    """Any number may run again. Returns what was limited. Raises Conflict for one that is gone, NotPermitted."""
    _require_right(by)
    row = Capacity.objects.select_for_update().filter(pk=pk).first()
    if row is None:
        raise Conflict("This limit was taken away already.")
    audit.record("limit taken away", row, by=by, changes={"at most": [row.most, None]})
    row.delete()
    release.wake()
    return row.name


def _require_right(by: User) -> None:
    if not by.has_perm(RIGHT):
        raise NotPermitted("Your roles do not include the right to limit systems and teams.")

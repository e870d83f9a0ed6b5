"""Choosing: those who work on tasks, for the forms that give tasks away."""

from typing import Any

from fulfillment import assignment
from fulfillment.models import Task
from kernel import choosing, colleagues
from kernel.models import User


def workers(by: User, task: int = 0) -> Any:
    """Everybody who works on tasks, by name; for one task those first who suit it."""
    if not by.has_perm(assignment.ASSIGN):
        return User.objects.none()
    if not task:
        return assignment.may_work().order_by("last_name", "first_name", "pk")
    found = Task.objects.visible_to(by).select_related("item").filter(pk=task).first()
    return assignment.ranked(found) if found else User.objects.none()


def _suits(person: Any) -> str:
    return assignment.candidate(person).words if hasattr(person, "in_team") else ", ".join(person.teams)


choosing.register("fulfillment.worker", rows=workers, search=(*colleagues.SEARCH, "teams", "skills"), detail=_suits)

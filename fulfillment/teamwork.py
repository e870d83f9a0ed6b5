"""Teamwork: a manager agrees how the queue of a team is worked off."""

from django.db import transaction

from fulfillment.models import TaskTeam
from kernel import audit
from kernel.models import User
from kernel.refusal import NotPermitted, Refusal

MOST = 500


@transaction.atomic
def agree(*, name: str, auto_assign: bool, most_open: str, by: User) -> TaskTeam:
    """Whether free tasks are given by themselves, and how many open ones a person has at most (empty: no limit).

    Raises:
        Refusal: with the problem at its field.
        NotPermitted
    """
    if not by.has_perm("fulfillment.assign_task"):
        raise NotPermitted("Your roles do not include the right to assign tasks to others.")
    name, text = name.replace("\x00", "").strip()[:60], most_open.strip()
    problems = {}
    if not name:
        problems["team"] = ["Name the team."]
    if text and not (text.isdecimal() and len(text) < 5 and 1 <= int(text) <= MOST):
        problems["most_open"] = [f"Enter a number from 1 to {MOST}, or leave it empty."]
    if problems:
        raise Refusal(problems=problems)
    TaskTeam.objects.get_or_create(name=name)
    team: TaskTeam = TaskTeam.objects.select_for_update().get(name=name)
    values = {"auto_assign": auto_assign, "most_open": int(text) if text else None}
    changes = audit.difference({key: getattr(team, key) for key in values}, values)
    if changes:
        team.auto_assign, team.most_open = auto_assign, values["most_open"]
        team.edition += 1
        team.save(update_fields=["auto_assign", "most_open", "edition", "updated_at"])
        audit.record("agreed", team, by=by, changes=changes)
    return team

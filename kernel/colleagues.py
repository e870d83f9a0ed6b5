"""Colleagues: people with a log-in, for the forms that choose one."""

from typing import Any

from kernel import choosing
from kernel.models.people import User

SEARCH = ("first_name", "last_name", "username", "job_title")


def label(person: User) -> str:
    """Name and job."""
    return f"{person}, {person.job_title}" if person.job_title else str(person)


def staff() -> Any:
    """Everybody who works here."""
    found = User.objects.filter(is_active=True, groups__permissions__codename="use_workspace")
    return found.distinct().order_by("first_name", "last_name")


def at_work(by: User) -> Any:
    """Everybody who works here and is not the one who asks."""
    return staff().exclude(pk=by.pk)


choosing.register("kernel.colleague", rows=at_work, search=SEARCH, label=label)

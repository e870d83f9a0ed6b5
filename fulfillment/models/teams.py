"""Teams: how the queue of an assignment group is worked off."""

from typing import ClassVar

from django.db import models

from kernel.models import Record


class TaskTeam(Record):
    """What is agreed for one assignment group; a group without a row works its queue off by hand."""

    name = models.CharField(max_length=60, unique=True, help_text="The assignment group's name, as in people's teams.")
    auto_assign = models.BooleanField(
        default=False, help_text="Free tasks are given to people with the skill and the least open work."
    )
    most_open = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Nobody is given more than so many open tasks; empty means no limit."
    )
    id: int

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name

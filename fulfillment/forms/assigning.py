"""Assigning: who gets tasks, a person or whoever fits best."""

from typing import Any

from django import forms

from fulfillment.models import Task
from kernel.models import User
from kernel.picking import RecordField, offer

WORKER = "fulfillment.worker"


class AssignForm(forms.Form):
    """Who gets the ticked tasks; nobody named is whoever of the team fits best by skill and open work."""

    to = RecordField(
        WORKER, label="Who gets them?", required=False, empty_label="By skill and load",
        help_text="By skill and load: each goes to whoever of its team has the skill and the least open work.",
    )  # fmt: skip


class OwnerForm(forms.Form):
    """Who has one task, in its cell of the list."""

    assignee = RecordField(WORKER, required=False, empty_label="Nobody yet")


class GiveForm(forms.Form):
    """Who gets one task."""

    assignee = RecordField(
        WORKER, label="Who does it?", empty_label="Choose a person", detailed=True,
        error_messages={"required": "Choose a person.", "invalid_choice": "Choose a person."},
    )  # fmt: skip

    def __init__(self, data: Any = None, *, by: User, task: Task) -> None:
        super().__init__(data, initial={"assignee": task.assignee_id}, auto_id="give-%s")
        offer(self, "assignee", by, task=task.pk)

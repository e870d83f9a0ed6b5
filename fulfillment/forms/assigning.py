"""Assigning: who gets tasks, a person or whoever fits best."""

from typing import Any

from django import forms

from fulfillment import assignment

BEST = "best"  # whoever fits best by team, skill and open work


class AssignForm(forms.Form):
    """Who gets the ticked tasks."""

    to = forms.ChoiceField(
        label="Who gets them?", error_messages={"required": "Choose who gets the tasks."},
        help_text="By skill and load: each goes to whoever of its team has the skill and the least open work.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = [(str(person.pk), str(person)) for person in assignment.workers()]
        self.fields["to"].choices = [(BEST, "By skill and load"), *people]  # type: ignore[attr-defined]

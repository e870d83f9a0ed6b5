"""Forms of the fallout desk."""

from typing import Any

from django import forms

from kernel.models import User
from kernel.picking import RecordField, offer


class OwnerForm(forms.Form):
    """Who mends it."""

    owner = RecordField(
        "fallout.mender", label="Who mends it?", empty_label="Choose a person",
        error_messages={"required": "Choose a person.", "invalid_choice": "Choose a person."},
    )  # fmt: skip

    def __init__(self, data: Any = None, *, by: User) -> None:
        super().__init__(data, auto_id="give-%s")
        offer(self, "owner", by)

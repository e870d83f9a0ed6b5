"""The form of one capacity limit."""

from typing import Any

from django import forms

from fulfillment import limits


class LimitForm(forms.Form):
    """What is limited, and to how many at once; what is limited already keeps its subject."""

    what = forms.ChoiceField(label="What is limited")
    most = forms.IntegerField(
        label="At once, at most", min_value=1, max_value=limits.MOST,
        error_messages={"min_value": "At least one has to run.", "max_value": f"At most {limits.MOST}."},
    )  # fmt: skip

    def __init__(self, *args: Any, fixed: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["what"]
        field.choices = [("", "Choose"), *limits.choices()]
        if fixed:
            del self.fields["what"]

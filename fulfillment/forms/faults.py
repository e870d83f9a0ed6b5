"""The form of one fault of the simulated network."""

from typing import Any

from django import forms

from fulfillment import adapters
from fulfillment.simulator.control import FAULTS


class FaultForm(forms.Form):
    """What goes wrong, with which calls, how often."""

    kind = forms.ChoiceField(label="What goes wrong", choices=list(FAULTS.items()))
    operation = forms.ChoiceField(label="With which call")
    times = forms.IntegerField(label="How often", required=False, min_value=1, max_value=100_000,
                               help_text="Empty: until it is taken away.")  # fmt: skip
    share = forms.DecimalField(label="Of all such calls, %", required=False, min_value=0, max_value=100,
                               help_text="Empty: every one.")  # fmt: skip
    site = forms.CharField(
        label="Only at the site", required=False, max_length=40, help_text="Its code, such as NL-05."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["operation"]
        groups = [(system.capitalize(), [(name, name) for name in adapters.OPERATIONS[system]])
                  for system in adapters.SYSTEMS]  # fmt: skip
        field.choices = [("*", "Any call"), *groups]

    def fault(self) -> dict[str, Any]:
        """The fault as the network takes it; after is_valid."""
        told = self.cleaned_data
        share = {"share": float(told["share"]) / 100} if told["share"] is not None else {}
        place = {"match": {"site": told["site"].strip()}} if told["site"].strip() else {}
        return {"kind": told["kind"], "operation": told["operation"], "times": told["times"] or -1, **share, **place}

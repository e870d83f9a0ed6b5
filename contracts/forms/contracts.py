"""Forms of contracts: early ends, notice and the rule at the end of a term; the acts decide."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone

from contracts.forms.deals import DAY
from contracts.models import Contract, Termination


class EndForm(forms.Form):
    """When and why a contract ends before its time; less may be charged than the contract says."""

    on = forms.DateField(label="Last day of service", widget=DAY)
    side = forms.ChoiceField(label="Who ends it", choices=Termination.Side.choices)
    reason = forms.CharField(
        label="Why", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}), help_text="Stands in the notice."
    )
    charge = forms.DecimalField(
        label="Charge instead", required=False, max_digits=16, decimal_places=2, min_value=Decimal(0),
        help_text="Leave empty to charge what the contract says. Less needs finance as well.",
    )  # fmt: skip
    reduced_because = forms.CharField(label="Why less", required=False, max_length=500)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("on", timezone.localdate())


class RuleForm(forms.ModelForm[Contract]):
    """What happens at the end of the term."""

    class Meta:
        model = Contract
        fields = ["auto_renew", "renew_months", "notice_days"]
        labels = {
            "auto_renew": "Goes on by itself",
            "renew_months": "By how many months each time",
            "notice_days": "Notice, days before the end",
        }

    def _post_clean(self) -> None:
        """Rules are the act's; nothing is put on a record that nobody has locked."""

"""Forms of the portal: they check what was typed; the acts decide."""

from typing import Any

from django import forms

from crm import companypeople
from kernel.models import User


class ColleagueForm(forms.Form):
    """A colleague who shall log in."""

    account = forms.TypedChoiceField(
        label="Company", coerce=int, error_messages={"invalid_choice": "Choose one of your companies."}
    )
    first_name = forms.CharField(label="First name", max_length=60)
    last_name = forms.CharField(label="Last name", max_length=60)
    email = forms.EmailField(label="E-mail", help_text="They log in with it; the invitation goes there.")
    job_title = forms.CharField(label="Job", max_length=80, required=False)
    role = forms.ChoiceField(label="Role", choices=companypeople.ROLES)

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["account"]
        field.choices = list(companypeople.companies(by).values_list("pk", "name"))

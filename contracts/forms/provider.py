"""Form of the provider: our own company as documents show it."""

from typing import Any

from django import forms

from contracts import provider
from contracts.models import Provider
from kernel.refusal import Refusal


class ProviderForm(forms.ModelForm[Provider]):
    """The record, with its logo as a file."""

    picture = forms.FileField(
        label="Logo", required=False, help_text="PNG or JPEG, at most 512 kB. It stands where the name does."
    )
    no_picture = forms.BooleanField(label="Take the logo away", required=False)

    class Meta:
        model = Provider
        fields = [
            "name", "legal_name", "registration", "vat_number", "street", "postcode", "city", "country", "email",
            "phone", "website", "accent",
        ]  # fmt: skip

    def clean_picture(self) -> Any:
        """Told by its content."""
        file = self.cleaned_data["picture"]
        if not file:
            return None
        content = file.read()
        try:
            kind = provider.accept_logo(file.name, content)
        except Refusal as error:
            raise forms.ValidationError(str(error)) from error
        return content, kind

    def save(self, commit: bool = True) -> Provider:
        if self.cleaned_data.get("no_picture"):
            self.instance.logo, self.instance.logo_type = None, ""
        if found := self.cleaned_data.get("picture"):
            self.instance.logo, self.instance.logo_type = found
        return super().save(commit)

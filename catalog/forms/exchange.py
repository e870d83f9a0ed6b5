"""The form of a catalogue file that is to be imported."""

from typing import Any

from django import forms

LARGEST = 4_000_000  # bytes


class ImportForm(forms.Form):
    """A file or its text."""

    file = forms.FileField(required=False, label="Catalogue file", help_text="YAML, at most 4 MB.")
    text = forms.CharField(
        required=False, label="or its text", strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "class": "mono", "spellcheck": "false"}),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """The text, from wherever it came."""
        data = super().clean() or self.cleaned_data
        file = data.get("file")
        if file and file.size > LARGEST:
            self.add_error("file", "The file is larger than 4 MB. Import it in parts, section by section.")
        elif file:
            try:
                data["text"] = file.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                self.add_error("file", "The file is not text in UTF-8. Save it as UTF-8 and try again.")
        elif not data.get("text", "").strip():
            self.add_error("file", "Choose a file, or paste its text.")
        return data

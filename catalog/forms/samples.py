"""The form of a sample order of the test bench."""

from typing import Any

from django import forms

from catalog import sampling
from catalog.models import PriceList, SampleOrder


class SampleForm(forms.Form):
    """A sample order, its sites and lines as text."""

    name = forms.CharField(max_length=120)
    key = forms.SlugField(max_length=80, help_text="Small letters, digits and dashes; it never changes.")
    description = forms.CharField(max_length=300, required=False, label="What it shows")
    price_list = forms.ModelChoiceField(queryset=PriceList.objects.all(), empty_label="Choose one", label="Price list")
    term = forms.IntegerField(min_value=1, max_value=120, initial=36, label="Term, months")
    sites = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "spellcheck": "false"}), required=False,
        help_text="One a line: code, name, country, region. Such as AMS1, Amsterdam, NL, metro.",
    )  # fmt: skip
    lines = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5, "class": "mono", "spellcheck": "false"}), label="What is ordered",
        help_text="One a line: offering x quantity @ codes: characteristic = value; … "
        "Quantity and codes may be left out. Such as dia @ AMS1: bandwidth = 1G; routing = BGP; customer_asn = 64500.",
    )  # fmt: skip

    def __init__(self, *args: Any, sample: SampleOrder | None, **kwargs: Any) -> None:
        if sample is not None:
            kwargs["initial"] = {
                "name": sample.name, "key": sample.key, "description": sample.description, "term": sample.term,
                "price_list": sample.price_list_id, "sites": sampling.write_sites(sample.sites),
                "lines": sampling.write_lines(sample.lines),
            }  # fmt: skip
        super().__init__(*args, **kwargs)
        if sample is not None:
            self.fields["key"].disabled = True

    def clean(self) -> dict[str, Any]:
        """Sites and lines that can be read."""
        data = super().clean() or self.cleaned_data
        sites: list[dict[str, str]] = []
        try:
            sites = data["read_sites"] = sampling.read_sites(data.get("sites", ""))
            if data.get("lines"):
                data["read_lines"] = sampling.read_lines(data["lines"], {site["code"] for site in sites})
        except sampling.BadSample as error:
            for name, texts in error.problems.items():
                self.add_error(name, texts)
        return data

    def values(self) -> dict[str, Any]:
        """The sample's fields as they are stored. Call when the form is valid."""
        data = dict(self.cleaned_data)
        return data | {"sites": data.pop("read_sites"), "lines": data.pop("read_lines")}

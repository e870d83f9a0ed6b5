"""Forms of the kernel."""

import zoneinfo
from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.db.models.fields import BLANK_CHOICE_DASH
from django.forms.renderers import TemplatesSetting

from kernel import colleagues, commenting
from kernel.models.documents import DocumentType
from kernel.models.people import User
from kernel.models.reports import ReportMail
from kernel.picking import RecordField, offer
from kernel.refusal import Refusal
from kernel.saying import said

NOTHING = {True: "Choose one", False: "–"}  # by whether something has to be chosen, for Django's row of dashes
HINTS = ("placeholder", "title", "aria-label")  # attributes of fields that people read


class Renderer(TemplatesSetting):
    """Draws form fields as Django does, in the reader's language: what may be chosen, and hints inside fields."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        """A field or a part of one; `context` is that of a single drawing, and may be changed."""
        widget = context.get("widget") or {}
        for _, options, _ in widget.get("optgroups") or ():
            for option in options:
                option["label"] = said(NOTHING[bool(widget.get("required"))] if _dashes(option) else option["label"])
        if "errors" in context:
            context["errors"] = [said(problem) for problem in context["errors"]]
        attrs = widget.get("attrs") or {}
        attrs.update({name: said(attrs[name]) for name in HINTS if name in attrs})
        return str(super().render(template_name, context, request))


def _dashes(option: dict[str, Any]) -> bool:
    return bool(option["value"] == "" and option["label"] == BLANK_CHOICE_DASH[0][1])


class SheetField(forms.FileField):
    """A file that somebody sends, of the kinds in `accept`, not larger than the setting allows."""

    def __init__(self, *, label: str, accept: str, **more: Any) -> None:
        errors = {"required": "Choose a file first.", "empty": "The file is empty."}
        widget = forms.FileInput(attrs={"accept": accept})
        super().__init__(label=label, error_messages=errors, widget=widget, **more)

    def clean(self, data: Any, initial: Any = None) -> Any:
        """The file. Raises ValidationError when it is missing, empty or too large."""
        file = super().clean(data, initial)
        limit = settings.MAX_UPLOAD_BYTES
        if file and file.size > limit:
            raise forms.ValidationError(
                f"The file is {file.size / 1048576:.1f} MB; the limit is {limit / 1048576:.0f} MB."
            )
        return file


class LogIn(AuthenticationForm):
    """Log-in by user name or e-mail address."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["username"].label = "User name or e-mail"

    def clean_username(self) -> str:
        """An address becomes the user name behind it; an unknown one stays as typed and fails like a wrong password."""
        typed = str(self.cleaned_data["username"]).strip()
        if "@" in typed:
            found = User.objects.filter(email__iexact=typed).values_list("username", flat=True).first()
            return found or typed
        return typed


class CodeForm(forms.Form):
    """The code of an authenticator app, or a spare one."""

    code = forms.CharField(
        label="Code", max_length=20, error_messages={"required": "Type the code that the app shows."},
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True}),
    )  # fmt: skip


class ProfileForm(forms.ModelForm[User]):
    """What a person may change about themselves."""

    class Meta:
        model = User
        fields = ["first_name", "last_name", "job_title", "language", "time_zone", "theme"]
        widgets = {
            "theme": forms.RadioSelect,
            "time_zone": forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
        }
        help_texts = {"time_zone": "Times are shown in this zone, such as Europe/Amsterdam."}

    def clean_time_zone(self) -> str:
        """A zone that exists."""
        zone = str(self.cleaned_data["time_zone"]).strip()
        if zone not in zoneinfo.available_timezones():
            raise forms.ValidationError(
                "There is no time zone of that name. Try the nearest city, such as Europe/Berlin."
            )
        return zone


class CommentForm(forms.Form):
    """A comment on a record."""

    text = forms.CharField(
        label="Comment",
        max_length=commenting.LONGEST,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "Write a comment"}),
        error_messages={"required": "Write something first."},
    )
    shared = forms.BooleanField(required=False)


class UploadForm(forms.Form):
    """A file for a record; size and type are checked by `kernel.documents`."""

    file = forms.FileField(
        label="File",
        max_length=200,
        error_messages={
            "required": "Choose a file first.",
            "empty": "The file is empty.",
            "max_length": "The file’s name is too long.",
        },
    )
    kind = forms.ChoiceField(
        label="Type", required=False, error_messages={"invalid_choice": "Choose one of the types that are offered."}
    )
    customer_may_see = forms.BooleanField(label="The customer may see it", required=False)

    def __init__(self, *args: Any, types: Iterable[DocumentType] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", "Something else"), *((one.key, one.label) for one in types)]  # type: ignore[attr-defined]

    def clean_file(self) -> object:
        """Not larger than the setting allows."""
        file = self.cleaned_data["file"]
        limit = settings.MAX_UPLOAD_BYTES
        if file.size > limit:
            raise forms.ValidationError(
                f"The file is {file.size / 1048576:.1f} MB; the limit is {limit / 1048576:.0f} MB."
            )
        return file


class ReturnedFileForm(forms.Form):
    """A list's file, changed in a spreadsheet."""

    file = SheetField(label="CSV or Excel file", accept=".csv,.xlsx,text/csv")


class ReasonForm(forms.Form):
    """Why something is done, asked once for all that it is done to."""

    reason = forms.CharField(
        label="Reason", max_length=2000, widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say why; every record keeps it."},
    )  # fmt: skip


class ViewForm(forms.Form):
    """What a saved view is called, and whose it is."""

    name = forms.CharField(
        label="Name", max_length=60, error_messages={"required": "Give the view a name."},
        widget=forms.TextInput(attrs={"autofocus": True}),
    )  # fmt: skip
    shared = forms.BooleanField(label="Share it with everybody who may open this list", required=False)


class PublishForm(forms.Form):
    """The day from which a version counts."""

    valid_from = forms.DateField(
        label="Counts from", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "Say from which day it counts."},
    )  # fmt: skip


def add_errors(form: forms.BaseForm, error: Refusal) -> None:
    """Put a refusal's problems at the fields of a form, those of no field at its head."""
    for name, texts in error.problems.items():
        for text in texts:
            form.add_error(name if name in form.fields else None, text)


DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class DelegateForm(forms.Form):
    """Who decides instead."""

    to = RecordField("kernel.colleague", label="Who decides instead", empty_label="Choose a colleague")

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "to", by=person)


class AwayForm(forms.Form):
    """Who decides while somebody is away. Emptiness is judged by the act, in its words."""

    deputy = RecordField("kernel.colleague", label="Deputy", required=False, empty_label="Choose a colleague")
    starts_on = forms.DateField(label="From", required=False, widget=DAY)
    ends_on = forms.DateField(label="Until", required=False, widget=DAY)

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "deputy", by=person)


class LookOnForm(forms.Form):
    """As whom to see the product, and why."""

    seen_as = RecordField("kernel.person", label="As whom", empty_label="Choose a person")
    reason = forms.CharField(
        label="Why", max_length=300, error_messages={"required": "Say why; the audit trail keeps it."},
        widget=forms.TextInput(attrs={"placeholder": "Such as: cannot find the order of a customer"}),
    )  # fmt: skip

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "seen_as", by=person)


class ReportMailForm(forms.Form):
    """How often a report is sent, and to whom; who may see it is judged by the act."""

    rhythm = forms.ChoiceField(
        label="How often", choices=ReportMail.Rhythm.choices, help_text="At seven in the morning, with a PDF attached."
    )
    people = forms.ModelMultipleChoiceField(
        User.objects.none(), label="To whom", help_text="Everybody gets what they themselves may see.",
        error_messages={"required": "Choose at least one reader."}, widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["people"].queryset = colleagues.staff().exclude(email="")  # type: ignore[attr-defined]

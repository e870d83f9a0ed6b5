"""Calendars: which days count, for those who keep the process."""

import datetime as dt
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from kernel import calendarkeeping, htmx, workspace
from kernel.models import BusinessCalendar
from kernel.refusal import Refusal

DAYS = [(0, "Monday"), (1, "Tuesday"), (2, "Wednesday"), (3, "Thursday"), (4, "Friday"), (5, "Saturday"), (6, "Sunday")]


class CalendarForm(forms.Form):
    """One calendar; holidays are lines such as “2026-12-25 Christmas Day”."""

    name = forms.CharField(label="Name", max_length=60, help_text="Steps of plans refer to it; it stays for ever.")
    country = forms.CharField(
        label="Country", max_length=2, required=False, help_text="Work at places of this country counts on it; NL, DE.",
        validators=[RegexValidator(r"^[A-Za-z]{2}\Z", "A country is two letters, such as NL.")],
    )  # fmt: skip
    weekdays = forms.TypedMultipleChoiceField(
        label="Days that count", choices=DAYS, coerce=int, widget=forms.CheckboxSelectMultiple, required=False
    )
    is_default = forms.BooleanField(label="Counts wherever no other calendar does", required=False)
    holidays = forms.CharField(
        label="Holidays", required=False, widget=forms.Textarea(attrs={"rows": 12}),
        help_text="One a line, the day first: 2026-12-25 Christmas Day",
    )  # fmt: skip

    def clean_country(self) -> str:
        """In capitals."""
        return str(self.cleaned_data["country"]).upper()

    def clean_holidays(self) -> dict[dt.date, str]:
        """Days with their names; a line that begins with no day is named."""
        found: dict[dt.date, str] = {}
        for line in filter(None, map(str.strip, str(self.cleaned_data["holidays"]).splitlines())):
            day, _, name = line.partition(" ")
            try:
                found[dt.date.fromisoformat(day)] = name.strip()[:80] or "Holiday"
            except ValueError:
                raise forms.ValidationError(f"“{line[:40]}” does not begin with a day such as 2026-12-25.") from None
        return found


@workspace.allowed("kernel.view_businesscalendar")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Every calendar."""
    today = timezone.localdate()
    rows = []
    for calendar in BusinessCalendar.objects.prefetch_related("holidays").order_by("-is_default", "name"):
        coming = sorted((h for h in calendar.holidays.all() if h.day >= today), key=lambda holiday: holiday.day)
        rows.append((calendar, _week(calendar), coming[0] if coming else None, len(coming)))
    may_edit = workspace.person(request).has_perm("kernel.change_businesscalendar")
    return htmx.respond(request, "calendars.html", {"rows": rows, "may_edit": may_edit})


def _week(calendar: BusinessCalendar) -> str:
    days = calendar.weekdays or [0, 1, 2, 3, 4]
    if days == list(range(days[0], days[-1] + 1)) and len(days) > 1:
        return f"{DAYS[days[0]][1]} to {DAYS[days[-1]][1]}"
    return ", ".join(DAYS[day][1] for day in days if day < len(DAYS))


@workspace.allowed("kernel.change_businesscalendar")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """One calendar, or a new one."""
    row = get_object_or_404(BusinessCalendar, pk=pk) if pk else None
    form = CalendarForm(request.POST or None, initial=_initial(row))
    if row:
        form.fields["name"].disabled = True
    if request.method == "POST" and form.is_valid():
        try:
            made = calendarkeeping.keep(
                pk=pk, wanted=calendarkeeping.Wanted(**form.cleaned_data), by=workspace.person(request)
            )
        except Refusal as error:
            for field, texts in error.problems.items():
                form.add_error(field or None, texts)
        else:
            return htmx.go(request, "calendars", toast=f"“{made.name}” is saved. Dates follow when work is dated next.")
    context = {"form": form, "title": row.name if row else "New calendar", "row": row}
    return htmx.respond(request, "calendar.html", context, status=422 if form.errors else 200)


def _initial(row: BusinessCalendar | None) -> dict[str, Any]:
    if row is None:
        return {"weekdays": [0, 1, 2, 3, 4]}
    lines = [f"{holiday.day} {holiday.name}" for holiday in row.holidays.order_by("day")]
    return {
        "name": row.name, "country": row.country, "weekdays": row.weekdays or [0, 1, 2, 3, 4],
        "is_default": row.is_default, "holidays": "\n".join(lines),
    }  # fmt: skip

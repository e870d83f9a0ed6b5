"""The living page of the design language: every component in every state, drawn by the product's own templates."""

import datetime as dt
from types import SimpleNamespace as Sample
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from kernel import editing, home, icons, states, workspace
from kernel.records import Change, Entry, Stage

COLOURS = (
    "bg", "surface", "sunken", "line", "line-strong", "ink", "ink-2", "ink-3", "accent", "accent-soft", "ok",
    "ok-soft", "run", "run-soft", "wait", "wait-soft", "risk", "risk-soft", "bad", "bad-soft", "idle",
    "idle-soft",
)  # fmt: skip


class SampleForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(label="Site name", help_text="As the customer calls it.")
    reference = forms.CharField(label="Their reference", required=False)
    bandwidth = forms.ChoiceField(label="Bandwidth", choices=[("100", "100M"), ("500", "500M"), ("1000", "1G")])
    wanted = forms.DateField(label="Wanted from", widget=forms.DateInput(attrs={"type": "date"}))
    notes = forms.CharField(label="Notes", widget=forms.Textarea(attrs={"rows": 2}), required=False)
    path = forms.ChoiceField(
        label="Second path", choices=[("no", "None"), ("div", "Diverse route")], widget=forms.RadioSelect
    )
    terms = forms.BooleanField(label="The customer agreed to the terms")


def _stages(kind: str) -> list[Stage]:
    at = timezone.now() - dt.timedelta(days=40)
    bar = [
        Stage("Submitted", "check", "done", at),
        Stage("Enriched", "check", "done", at + dt.timedelta(days=2)),
        Stage("Approved", "check", "done", at + dt.timedelta(days=4)),
    ]
    ends = {
        "now": [
            Stage("In progress", "progress", "now", at + dt.timedelta(days=7)),
            Stage("Completed", "circle-dashed", ""),
        ],
        "held": [Stage("On hold", "player-pause", "held", timezone.now()), Stage("Completed", "circle-dashed", "")],
        "off": [Stage("Cancelled", "circle-x", "off", timezone.now()), Stage("Completed", "circle-dashed", "")],
        "done": [
            Stage("In progress", "check", "done", at + dt.timedelta(days=7)),
            Stage("Completed", "check", "done", timezone.now()),
        ],
    }
    return bar + ends[kind]


def _entries(user: Any) -> list[Entry]:
    now = timezone.now()
    moved = [Change("state", "In progress", "Failed", True)]
    dated = [Change("promised_date", "27 Nov", "4 Dec 2026")]
    return [
        Entry(
            now - dt.timedelta(minutes=40), None, "Provision IP port, attempt 3", "alert-triangle", "bad", changes=moved
        ),
        Entry(
            now - dt.timedelta(hours=20), user, "Promised date", "calendar", reason="Access duct blocked", changes=dated
        ),
        Entry(now - dt.timedelta(days=2), user, "commented", "message", comment="Told Julia that 4 Dec stands."),
    ]


ACTIONS = (
    home.Action(
        "Set a new date for Stavanger", "#", "Fjordkraft Retail · Carrier moved the firm date from 24 Nov to 2 Dec",
        "ORD0001399",
        "alert-circle", "bad", "8 days over", "promised 27 Nov", "Set date",
    ),
    home.Action(
        "Accept the porting date", "#", "Tessaro · 120 numbers, one day after plan", "ORD0001454", "alert-triangle",
        "risk", "Today", "answer by 17:00", "Accept",
    ),
    home.Action(
        "Ask again for the floor plan", "#", "Helvetia Print · 4 values missing", "ORD0001488", "clock", "wait",
        "In 2 days",
        "then design slips", "Remind",
    ),
)  # fmt: skip


STEPS = (
    ("d", "check", "23 Nov"), ("r", "progress", "Running"), ("w", "hourglass", "Asked"),
    ("b", "alert-circle", "0 of 11"), ("f", "", "22 Apr"), ("x", "", "–"),
)  # fmt: skip
CONFLICT = Sample(
    who="Petra Dvorak",
    differences=[
        editing.Difference("tier", "Tier", "Gold", "Platinum"),
        editing.Difference("vat", "VAT number", "empty", "NL8512"),
    ],
)


@workspace.allowed("kernel.use_workspace")
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All components."""
    today = timezone.localdate()
    wrong = SampleForm({"bandwidth": "1000", "wanted": "2026-02-30"})
    context = {
        "colours": COLOURS,
        "looks": sorted(states._LOOKS.items(), key=lambda item: (item[1].tone, item[0])),
        "stages": [_stages(kind) for kind in ("now", "held", "off", "done")],
        "form": SampleForm(initial={"name": "Rotterdam Waalhaven DC"}),
        "wrong": wrong,
        "entries": _entries(request.user),
        "actions": ACTIONS,
        "days": [today + dt.timedelta(days=n) for n in (-30, -3, -1, 0, 1, 5, 40)],
        "moments": [
            timezone.now() - dt.timedelta(**by) for by in ({"minutes": 7}, {"hours": 5}, {"days": 1}, {"days": 9})
        ],
        "icon_names": sorted(icons.names()),
        "steps": STEPS,
        "others": ["Petra Dvorak", "Tom Aerts"],
        "conflict": CONFLICT,
        "rows": _rows(),
        "tree": _tree(),
    }
    return render(request, "design.html", context)


def _rows() -> list[Sample]:
    today = timezone.localdate()
    names = ("Meridor Logistics", "Fjordkraft Retail", "Brightwater Foods", "Ostra Glas")
    found = ("in_progress", "on_hold", "failed", "completed")
    return [
        Sample(
            number=f"ORD000148{n}", name=name, state=found[n], done=60 * n + 34, total=312, amount=12478 + 911 * n,
            due=today + dt.timedelta(days=4 * n - 3),
        )
        for n, name in enumerate(names)
    ]  # fmt: skip


def _tree() -> list[Sample]:
    lines = (
        ("t0", "", 0, "shopping-cart", "ORD0001482", "12 sites", "in_progress", 214, 312),
        ("t1", "t0", 1, "map-pin", "Rotterdam Waalhaven DC", "NL-06", "fallout", 15, 26),
        ("t2", "t1", 2, "package", "Dedicated internet 1 Gbit/s", "line 6.2", "fallout", 7, 12),
        ("t3", "t2", 3, "plug-connected", "Provision IP port", "attempt 3 of 5", "failed", 0, 1),
        ("t4", "t0", 1, "map-pin", "Venlo cross-dock", "NL-07", "in_progress", 23, 26),
    )
    keys = ("id", "parent", "depth", "icon", "name", "sub", "state", "done", "total")
    return [
        Sample(**dict(zip(keys, line, strict=True)), branch=any(other[1] == line[0] for other in lines))
        for line in lines
    ]

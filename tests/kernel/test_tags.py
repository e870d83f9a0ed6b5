"""Tags: money, numbers, days and states as people read them."""

import datetime as dt
from decimal import Decimal

import pytest
import time_machine
from django.template import engines
from django.utils import timezone

from kernel import icons, states
from kernel.templatetags import trunkline as tags

TODAY = dt.date(2026, 11, 17)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("12478", "EUR", "€\u00a012,478.00"), ("-80.16", "EUR", "−€\u00a080.16"), ("9900", "SEK", "9,900.00\u00a0kr"),
        ("4200", "JPY", "JPY\u00a04,200"), ("0.5", "KWD", "KWD\u00a00.500"), (None, "EUR", "–"),
        ("1234567.891", "USD", "$\u00a01,234,567.89"),
    ],
)  # fmt: skip
def test_money(amount: str | None, currency: str, text: str) -> None:
    assert tags.money_text(Decimal(amount) if amount else None, currency) == text


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (0, "today"),
        (1, "tomorrow"),
        (-1, "yesterday"),
        (3, "in 3 days"),
        (-5, "5 days ago"),
        (13, "in 13 days"),
        (30, "17 Dec"),
        (400, "22 Dec 2027"),
    ],
)
def test_days_are_told_as_distances_when_near(days: int, text: str) -> None:
    assert tags.distance(TODAY + dt.timedelta(days=days), TODAY) == text


@time_machine.travel("2026-11-17 12:00:00+00:00", tick=False)
def test_a_due_date_turns_red_once_it_is_over() -> None:
    assert "c-bad" in tags.due(TODAY - dt.timedelta(days=2))
    assert "2 days over" in tags.due(TODAY - dt.timedelta(days=2))
    assert "c-risk" in tags.due(TODAY)
    assert "c-bad" not in tags.due(TODAY + dt.timedelta(days=2))
    assert "c-bad" not in tags.due(TODAY - dt.timedelta(days=2), done=True)


@time_machine.travel("2026-11-17 12:00:00+00:00", tick=False)
@pytest.mark.parametrize(
    ("back", "text"),
    [
        ({"seconds": 5}, "just now"), ({"minutes": 40}, "40 min ago"), ({"hours": 3}, "today 10:00"),
        ({"days": 1}, "yesterday 13:00"),
        ({"days": 4}, "Fri 13 Nov 13:00"), ({"days": 400}, "Mon 13 Oct 2025 14:00"),
    ],
)  # fmt: skip
def test_moments(back: dict[str, int], text: str) -> None:
    assert tags.ago(timezone.now() - dt.timedelta(**back)) == text


@pytest.mark.parametrize(
    ("done", "total", "percent"), [(0, 0, 0), (1, 3, 33), (311, 312, 99), (312, 312, 100), (5, 3, 100), (-1, 3, 0)]
)
def test_a_meter_is_full_only_when_all_is_done(done: int, total: int, percent: int) -> None:
    assert tags.share(done, total) == percent


def test_a_state_nobody_described_is_shown_by_its_name() -> None:
    assert "Being teleported" in tags.state_filter("being_teleported")
    assert states.look("in_progress").word == "In progress"


def test_every_icon_that_is_named_exists() -> None:
    assert icons.missing() == []
    assert sorted(name for name in states.icons() if icons.drawing(name) == icons.FALLBACK) == []


def test_an_unknown_icon_is_a_dot_and_no_way_into_the_page() -> None:
    assert icons.FALLBACK in tags.icon("no-such-icon")
    assert icons.FALLBACK in tags.icon("../../package")
    assert "<script>" not in tags.icon("x", "<script>")


def test_found_text_is_marked_and_escaped() -> None:
    assert tags.highlight("Meridor <b>", "RID") == "Me<mark>rid</mark>or &lt;b&gt;"


def test_the_library_needs_no_load() -> None:
    page = engines["django"].from_string('{% money 5 "EUR" %}{% meter 1 2 %}{{ "draft"|state }}').render()
    assert "€" in page
    assert 'class="p-50"' in page

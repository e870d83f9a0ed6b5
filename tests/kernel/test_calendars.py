"""Calendars: kept by process admins, read by everything that dates work."""

import datetime as dt

import pytest
from django.test import Client

from kernel import workdays
from kernel.models import AuditEntry, BusinessCalendar
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
GERMANY = {
    "name": "Germany", "country": "de", "weekdays": ["0", "1", "2", "3", "4"],
    "holidays": "2027-05-01 Labour Day\n2027-10-04 Day after",
}  # fmt: skip


def as_(role: str) -> Client:
    client = Client()
    client.force_login(UserFactory(role=role))
    return client


def test_a_calendar_is_made_and_counts_for_its_country() -> None:
    client = as_("process_admin")
    assert client.post("/process/calendars/new/", GERMANY).status_code == 302
    found = workdays.calendars().of("", "DE")
    assert not found.works(dt.date(2027, 10, 4))
    assert found.works(dt.date(2027, 10, 5))
    assert workdays.calendars().of("", "NL").works(dt.date(2027, 10, 4))
    page = client.get("/process/calendars/").content.decode()
    assert "Germany" in page
    assert "Monday to Friday" in page
    assert AuditEntry.objects.filter(action="created", subject_name="Germany").exists()


def test_what_is_wrong_stands_at_its_field() -> None:
    client = as_("process_admin")
    client.post("/process/calendars/new/", GERMANY)
    twice = client.post("/process/calendars/new/", GERMANY | {"name": "Other", "weekdays": []})
    assert twice.status_code == 422
    assert "counts on “Germany” already" in twice.content.decode()
    assert "At least one day of the week" in twice.content.decode()
    unread = client.post("/process/calendars/new/", GERMANY | {"name": "X", "country": "", "holidays": "soon"})
    assert "does not begin with a day" in unread.content.decode()
    assert BusinessCalendar.objects.count() == 1


def test_there_is_one_default_and_it_moves() -> None:
    first = BusinessCalendar.objects.create(name="First", is_default=True)
    client = as_("process_admin")
    assert client.post(f"/process/calendars/{first.pk}/", {"weekdays": ["0"]}).status_code == 422
    client.post("/process/calendars/new/", GERMANY | {"is_default": "on"})
    assert BusinessCalendar.objects.get(is_default=True).name == "Germany"


def test_others_may_not_change_them() -> None:
    assert as_("order_agent").get("/process/calendars/").status_code == 403
    manager = as_("fulfilment_manager")
    assert manager.get("/process/calendars/").status_code == 200
    assert manager.post("/process/calendars/new/", GERMANY).status_code == 403

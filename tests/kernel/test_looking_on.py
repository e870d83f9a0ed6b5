"""Looking on as somebody else: every page as they see it, nothing changed, told and kept; and who has a record open."""

import datetime as dt

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kernel import lookingon
from kernel.middleware import LookingOn
from kernel.models import AuditEntry, User
from tests.factories.crm import AccountFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def mira() -> User:
    person: User = UserFactory(first_name="Mira", last_name="Jansen", role="sales_agent")
    return person


@pytest.fixture
def chief(client: Client) -> User:
    person: User = UserFactory(
        first_name="Ada", last_name="Root", is_superuser=True, is_staff=True, role="order_manager"
    )
    client.force_login(person)
    return person


def _begin(client: Client, person: User, reason: str = "cannot find an order") -> int:
    return client.post(reverse("look_on"), {"seen_as": person.pk, "reason": reason}).status_code


def test_an_administrator_sees_what_somebody_sees_and_changes_nothing(client: Client, chief: User, mira: User) -> None:
    assert "See as somebody" in client.get(reverse("home")).content.decode()
    assert _begin(client, mira, reason="") == 422
    assert _begin(client, mira) == 302

    page = client.get(reverse("home"))
    assert page.wsgi_request.user == mira
    assert "<b>Mira Jansen</b>" in page.content.decode()
    assert client.get(reverse("trail")).status_code == 403, "what only the administrator may open is shut"
    refused = client.post(reverse("profile"), {"first_name": "Eve"})
    assert (refused.status_code, "nothing can be changed" in refused.content.decode()) == (403, True)
    assert client.post(reverse("theme"), {"theme": "dark"}, headers={"HX-Request": "true"}).status_code == 403
    note = mira.notifications.get()
    assert "Ada Root is looking at your pages" in note.text
    client.get(reverse("notification", args=[note.pk]))
    assert mira.notifications.filter(read_at=None).exists(), "what she has not read stays unread"

    assert client.post(reverse("look_on_stop")).status_code == 302
    assert client.get(reverse("home")).wsgi_request.user == chief
    rows = AuditEntry.objects.filter(subject_type="kernel.user", subject_id=mira.pk).order_by("id")
    assert [(row.action, row.actor, row.reason) for row in rows] == [
        ("look_on", chief, "cannot find an order"), ("look_on_end", chief, ""),
    ]  # fmt: skip
    assert User.objects.get(pk=mira.pk).first_name == "Mira"


def _told(person: User) -> list[tuple[str, str]]:
    rows = AuditEntry.objects.filter(subject_type="kernel.user", subject_id=person.pk).order_by("id")
    return [(row.action, row.reason) for row in rows]


BEGUN, OVER = ("look_on", "cannot find an order"), ("look_on_end", "its time was over")


def test_it_ends_by_itself_and_with_the_right(client: Client, chief: User, mira: User) -> None:
    assert _begin(client, mira) == 302
    session = client.session
    session[LookingOn.KEY] = session[LookingOn.KEY] | {"until": (timezone.now() - dt.timedelta(seconds=1)).isoformat()}
    session.save()
    assert client.get(reverse("home")).wsgi_request.user == chief
    assert _told(mira) == [BEGUN, OVER]
    lookingon.end(held=session[LookingOn.KEY], by=chief)  # another page that was asked for at the same moment
    assert _told(mira) == [BEGUN, OVER]

    assert _begin(client, mira) == 302
    User.objects.filter(pk=chief.pk).update(is_superuser=False)
    assert client.get(reverse("home")).wsgi_request.user == chief
    assert client.get(reverse("look_on")).status_code == 403
    assert _told(mira) == [BEGUN, OVER] * 2


def test_the_trail_says_the_end_for_who_closes_the_browser_or_logs_out(client: Client, chief: User, mira: User) -> None:
    assert _begin(client, mira) == 302
    assert lookingon.end_due() == 0, "there is time left"
    with time_machine.travel(timezone.now() + lookingon.LONGEST + dt.timedelta(minutes=1), tick=False):
        assert (lookingon.end_due(), lookingon.end_due()) == (1, 0)
        assert _told(mira) == [BEGUN, OVER]
        assert AuditEntry.objects.get(action="look_on_end").actor == chief

        client.force_login(chief)
        assert _begin(client, mira) == 302
        assert client.post(reverse("logout")).status_code == 302
        assert _told(mira) == [BEGUN, OVER, BEGUN, ("look_on_end", "")]
        assert LookingOn.KEY not in client.session
        assert lookingon.end_due() == 0


def test_nobody_looks_on_as_an_administrator(client: Client, chief: User) -> None:
    other = UserFactory(is_superuser=True, is_staff=True, role="order_manager")
    assert _begin(client, other) == 422
    assert _begin(client, chief) == 422
    assert client.get(reverse("home")).wsgi_request.user == chief


def test_who_has_a_record_open_too(client: Client, mira: User) -> None:
    cache.clear()
    account = AccountFactory()
    address = reverse("presence", args=["crm.account", account.pk])
    petra = UserFactory(first_name="Petra", last_name="Dvorak", role="sales_manager")
    client.force_login(mira)
    assert "open" not in client.get(address).content.decode()
    client.force_login(petra)
    assert "Mira Jansen has this open too" in client.get(address).content.decode().replace("</span>", "")
    client.force_login(mira)
    assert "Petra Dvorak has this open too" in client.get(address).content.decode()
    client.force_login(UserFactory(role="customer"))
    assert client.get(address).status_code == 403

"""The log-in: how often it may be tried, and the second factor of those who want one."""

import re

import pytest
import time_machine
from axes.models import AccessAttempt
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from kernel import secondfactor
from kernel.models import AuditEntry, User
from kernel.refusal import Refusal
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
PASSWORD = "a long password"
TRIES = settings.AXES_FAILURE_LIMIT


@pytest.fixture
def mira() -> User:
    user: User = UserFactory(username="mira", role="sales_agent", email="mira@provider.example")
    user.set_password(PASSWORD)
    user.save()
    return user


def enter(client: Client, password: str = PASSWORD, name: str = "mira", address: str = "10.0.0.1") -> str:
    answer = client.post(reverse("login"), {"username": name, "password": password}, REMOTE_ADDR=address)
    return "in" if answer.status_code == 302 else re.sub(r"\s+", " ", answer.content.decode())


def shown(user: User) -> str:
    """The code that the person's app shows."""
    return f"{totp(TOTPDevice.objects.get(user=user).bin_key):06d}"


@pytest.mark.parametrize("name", ["mira", "mira@provider.example", "nobody"])
def test_the_right_password_does_not_help_after_eight_wrong_ones_until_a_quarter_of_an_hour_is_over(
    client: Client, mira: User, name: str
) -> None:
    with time_machine.travel("2026-03-02 09:00 +0000", tick=False) as clock:
        said = [enter(client, "wrong", name) for _ in range(TRIES)]
        assert "That did not work" in said[0]
        assert "tried too often" in said[-1]
        assert "tried too often" in enter(client, name=name), "the right one is not looked at"
        if name != "nobody":
            assert enter(Client(), name=name, address="10.0.0.9") == "in", "somebody elsewhere is not shut out"
            clock.shift(901)
            assert enter(client, name=name) == "in"


def test_a_log_in_forgets_the_tries_before_it_and_makes_a_new_session(client: Client, mira: User) -> None:
    client.get(reverse("login"))
    enter(client, "wrong")
    assert AccessAttempt.objects.filter(username="mira").exists()
    before = client.session.session_key
    assert enter(client) == "in"
    assert client.session.session_key != before
    assert not AccessAttempt.objects.filter(username="mira").exists()


def test_an_administrator_lets_somebody_in_again(client: Client, mira: User, admin_client: Client) -> None:
    for _ in range(TRIES):
        enter(client, "wrong")
    asked = {"action": "let_in", "_selected_action": [mira.pk]}
    assert admin_client.post(reverse("admin:kernel_user_changelist"), asked).status_code == 302
    assert enter(client) == "in"


def test_an_administrator_begins_at_home_and_gives_roles(mira: User, admin_client: Client) -> None:
    first = admin_client.get(reverse("home")).content.decode()
    assert reverse("admin:index") in first
    assert "may log in" in first
    assert "Open deals" not in first  # whoever may do everything is not shown everybody's numbers
    page = admin_client.get(reverse("admin:kernel_user_change", args=[mira.pk])).content.decode()
    assert "Finance" in page
    assert "Available groups" not in page
    assert "Sales agent" in admin_client.get(reverse("admin:kernel_user_changelist")).content.decode()
    tasks = admin_client.get(reverse("admin:index")).content.decode()
    assert tasks.index("People and rights") < tasks.index("Catalogue")


def test_the_administration_has_no_door_of_its_own(client: Client) -> None:
    assert client.get("/admin/login/?next=/admin/")["Location"] == "/login/?next=%2Fadmin%2F"


def test_who_is_in_without_the_right_to_administer_is_refused_and_not_sent_around(client: Client, mira: User) -> None:
    client.force_login(mira)
    page = client.get("/admin/kernel/user/", follow=True)
    assert page.status_code == 403
    assert "Your roles do not include the administration." in page.content.decode()


def test_a_second_factor_is_added_asked_for_and_removed(client: Client, mira: User) -> None:
    client.force_login(mira)
    url = reverse("second_factor")
    with time_machine.travel("2026-03-02 09:00 +0000", tick=False) as clock:
        page = client.get(url).content.decode()
        assert "data:image/svg+xml" in page
        assert client.post(url, {"code": "000000"}).status_code == 422
        clock.shift(5)
        code = shown(mira)
        found = client.post(url, {"code": code}).content.decode()
        spares = re.findall(r"\b[a-z2-7]{8}\n", found)
        assert len(spares) == secondfactor.SPARES
        client.post(reverse("logout"))

        assert enter(client) == "in"  # to the page that asks for the code, and no further
        assert client.get(reverse("home"))["Location"].startswith("/login/")
        asked = reverse("login_code")
        assert client.post(asked, {"code": code}).status_code == 422, "a code is taken once"
        assert client.post(asked, {"code": spares[0].strip().upper()})["Location"] == "/"
        assert client.get(reverse("home")).status_code == 200
        client.post(reverse("logout"))
        enter(client)
        assert client.post(asked, {"code": spares[0].strip()}).status_code == 422, "a spare code is taken once"
        clock.shift(60)
        assert client.post(asked, {"code": shown(mira)}).status_code == 302

        assert client.post(url, {"code": "123"}).status_code == 422
        assert client.post(url, {"code": spares[1].strip()}).status_code == 302
    assert not secondfactor.wanted(mira)
    assert AuditEntry.objects.filter(subject_id=mira.pk, action__startswith="second factor").count() == 2


def test_guessing_codes_gets_slower_with_every_wrong_one(client: Client, mira: User) -> None:
    with time_machine.travel("2026-03-02 09:00 +0000", tick=False) as clock:
        secondfactor.begin(mira)
        secondfactor.confirm(user=mira, code=shown(mira))
        with pytest.raises(Refusal):
            secondfactor.begin(mira)
        enter(client)
        for wait in (1, 2, 4, 8):
            assert client.post(reverse("login_code"), {"code": "000000"}).status_code == 422
            clock.shift(wait)
        client.post(reverse("login_code"), {"code": "000000"})
        assert client.post(reverse("login_code"), {"code": shown(mira)}).status_code == 422, "16 seconds to wait"
        clock.shift(30)
        assert client.post(reverse("login_code"), {"code": shown(mira)}).status_code == 302
    assert secondfactor.reset(user=mira, by=UserFactory())
    assert not secondfactor.reset(user=mira, by=UserFactory())


def test_without_a_password_first_there_is_nothing_to_type_a_code_for(client: Client) -> None:
    assert client.get(reverse("login_code"))["Location"] == "/login/"

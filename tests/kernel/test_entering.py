"""The log-in: how often it may be tried, and the second factor of those who want one."""

import re
import time

import pytest
import time_machine
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.test import Client
from django.urls import reverse

from kernel import guarding, secondfactor
from kernel.models import AuditEntry, LogInTry, SecondFactor, User
from kernel.refusal import Refusal
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
PASSWORD = "a long password"


@pytest.fixture(autouse=True)
def quick(settings: object) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # type: ignore[attr-defined]


@pytest.fixture
def mira() -> User:
    user: User = UserFactory(username="mira", role="sales_agent")
    user.set_password(PASSWORD)
    user.save()
    return user


def enter(client: Client, password: str = PASSWORD, name: str = "mira", address: str = "10.0.0.1") -> str:
    answer = client.post(reverse("login"), {"username": name, "password": password}, REMOTE_ADDR=address)
    return "in" if answer.status_code == 302 else re.sub(r"\s+", " ", answer.content.decode())


def shown(user: User, ahead: int = 0) -> str:
    """The code that the person's app shows."""
    key = secondfactor._key(SecondFactor.objects.get(user=user))
    return TOTP(key, 6, SHA1(), 30).generate(int(time.time()) + ahead * 30).decode()  # noqa: S303


def test_the_right_password_does_not_help_after_eight_wrong_ones_until_a_quarter_of_an_hour_is_over(
    client: Client, mira: User
) -> None:
    with time_machine.travel("2026-03-02 09:00 +0000", tick=False) as clock:
        LogInTry.objects.all().delete()
        for _ in range(guarding.TRIES):
            assert "That did not work" in enter(client, "wrong")
        said = enter(client)
        assert "tried too often" in said
        assert enter(Client(), name="mira", address="10.0.0.9") == "in", "somebody elsewhere is not shut out"
        unknown = [enter(Client(), "x", "nobody") for _ in range(guarding.TRIES + 1)][-1]
        assert "tried too often" in unknown
        clock.shift(901)
        LogInTry.objects.update(at="2026-03-02 08:00+00:00")
        assert enter(client) == "in"
        LogInTry.objects.create(name="old", at="2026-02-01 00:00+00:00")
        assert guarding.forget() >= 1


def test_many_addresses_get_no_further_with_one_name(client: Client, mira: User) -> None:
    LogInTry.objects.bulk_create(LogInTry(name="mira", address=f"10.0.1.{n}") for n in range(guarding.TRIES_OF_NAME))
    assert "tried too often" in enter(client)


def test_a_log_in_forgets_the_tries_before_it_and_makes_a_new_session(client: Client, mira: User) -> None:
    client.get(reverse("login"))
    enter(client, "wrong")
    before = client.session.session_key
    assert enter(client) == "in"
    assert client.session.session_key != before
    assert not LogInTry.objects.filter(name="mira").exists()


def test_the_administration_has_no_door_of_its_own(client: Client) -> None:
    assert client.get("/admin/login/?next=/admin/")["Location"] == "/login/?next=/admin/"


def test_a_second_factor_is_added_asked_for_and_removed(client: Client, mira: User) -> None:
    client.force_login(mira)
    url = reverse("second_factor")
    page = client.get(url).content.decode()
    assert secondfactor.begin(mira)[:4] in page
    assert client.post(url, {"code": "000000"}).status_code == 422
    code = shown(mira)
    spares = re.findall(r"\b[0-9a-f]{8}-[0-9a-f]{8}\b", client.post(url, {"code": code}).content.decode())
    assert len(spares) == secondfactor.SPARES
    client.post(reverse("logout"))

    assert enter(client) == "in"  # to the page that asks for the code, and no further
    assert client.get(reverse("home"))["Location"].startswith("/login/")
    asked = reverse("login_code")
    assert client.post(asked, {"code": code}).status_code == 422, "a code is taken once"
    assert client.post(asked, {"code": spares[0]})["Location"] == "/"
    assert client.get(reverse("home")).status_code == 200
    client.post(reverse("logout"))
    enter(client)
    assert client.post(asked, {"code": spares[0]}).status_code == 422, "a spare code is taken once"
    assert client.post(asked, {"code": shown(mira, 1)}).status_code == 302

    assert client.post(url, {"code": "123"}).status_code == 422
    assert client.post(url, {"code": spares[1]}).status_code == 302
    assert not secondfactor.wanted(mira)
    assert AuditEntry.objects.filter(subject_id=mira.pk, action__startswith="second factor").count() == 2


def test_codes_are_tried_no_more_often_than_passwords(client: Client, mira: User) -> None:
    secondfactor.begin(mira)
    spares = secondfactor.confirm(user=mira, code=shown(mira))
    with pytest.raises(Refusal):
        secondfactor.begin(mira)
    enter(client)
    for _ in range(guarding.TRIES):
        assert client.post(reverse("login_code"), {"code": "000000"}).status_code == 422
    assert "Too many codes" in client.post(reverse("login_code"), {"code": spares[0]}).content.decode()
    assert secondfactor.reset(user=mira, by=UserFactory())
    assert not secondfactor.reset(user=mira, by=UserFactory())


def test_without_a_password_first_there_is_nothing_to_type_a_code_for(client: Client) -> None:
    assert client.get(reverse("login_code"))["Location"] == "/login/"

"""T24: nothing is done for a page of somebody else's: no form without its token, no way out, no other host's name."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.db import transaction
from django.template.backends.django import Template
from django.test import Client
from django.urls import reverse

from kernel.models import User
from tests.access import doors
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

ELSEWHERE = "https://evil.example/"
WAYS = (ELSEWHERE, "//evil.example/", r"/\evil.example/", "https:evil.example", "javascript:alert(1)")
NAMES = ("next", "back", "to", "url", "return", "return_to", "came_from", "redirect_uri", "HX-Current-URL")
OTHERS = ("/tmf-api/", "/oauth/", "/callbacks/", "/exchange/", "/healthz")  # machines, which bring no cookies
LEFT_OUT = ("/logout/",)


@pytest.fixture
def operator() -> User:
    """Who may open every door."""
    person: User = UserFactory(is_superuser=True, is_staff=True)
    return person


def _path(door: doors.Door) -> str:
    """An address of that form; whether there is such a record does not matter."""
    filled = door.route
    for name, value in door.values.items():
        filled = re.sub(rf"<(?:\w+:)?{name}>", str(value), filled)
    return filled.replace("^", "").replace("$", "")


def test_no_address_takes_a_form_without_its_token(operator: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(operator)
    paths = {_path(door) for door in doors.doors() if not door.route.startswith(OTHERS)}
    assert len(paths) > 300
    taken = {path: strict.post(path, {"name": "x"}).status_code for path in sorted(paths) if "<" not in path}
    assert {path: status for path, status in taken.items() if status not in (403, 404)} == {}
    refused = strict.post("/profile/", {"first_name": "Eve"})
    assert refused.status_code == 403
    assert "CSRF" in refused.reason_phrase or refused.templates
    operator = User.objects.get(pk=operator.pk)
    assert operator.first_name != "Eve"


def test_no_address_leads_out_of_the_house(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Template, "render", lambda *_: "")
    client = Client(raise_request_exception=False)
    out = []
    for door in doors.doors():
        path = _path(door)
        if door.needs or path.startswith((*OTHERS, *LEFT_OUT)):
            continue
        client.force_login(operator)
        for method in ("get", "post"):
            with transaction.atomic():
                asked: Any = getattr(client, method)
                answer = asked(path, dict.fromkeys(NAMES, WAYS[len(out) % 5]), headers={"Referer": ELSEWHERE})
                transaction.set_rollback(True)
            ways = [answer.headers.get(name, "") for name in ("Location", "HX-Redirect", "HX-Location", "Refresh")]
            out += [f"{method} {path} {way}" for way in ways if _leaves(way)]
    assert out == []


def test_the_log_in_leads_home() -> None:
    person = UserFactory(username="mira", role="sales_agent")
    person.set_password("a long password")
    person.save()
    for way in WAYS:
        for address in (reverse("login"), f"{reverse('login')}?next={way}"):
            sent = {"username": "mira", "password": "a long password", "next": way}
            assert not _leaves(Client().post(address, sent).headers["Location"]), way


def _leaves(way: str) -> bool:
    there = urlsplit(way.replace("\\", "/"))
    return there.netloc not in ("", "testserver") or there.scheme not in ("", "http", "https") or "evil" in there.netloc


@pytest.mark.parametrize("name", ["Host", "X-Forwarded-Host"])
def test_the_name_of_another_host_is_refused_or_means_nothing(operator: User, name: str) -> None:
    client = Client(headers={name: "evil.example"})
    client.force_login(operator)
    for path in ("/", "/login/", "/portal/", reverse("password_reset")):
        answer = client.get(path)
        assert answer.status_code == 400 if name == "Host" else b"evil.example" not in answer.content, path
    client.post(reverse("password_reset"), {"email": operator.email})
    assert not any("evil.example" in letter.body for letter in mail.outbox)

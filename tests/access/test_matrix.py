"""T14: what every address answers each role, against a table that people can read and have to agree to."""

import os

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template.backends.django import Template

from tests.access import doors
from tests.access.doors import HEAD, PEOPLE, TABLE
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def _row(route: str, method: str, signs: list[str]) -> str:
    return f"{route:<72} {method:<4} {' '.join(signs)}"


def _head() -> str:
    tall = max(map(len, PEOPLE))
    names = [name.rjust(tall).upper() for name in PEOPLE]
    lines = [f"# {'':<75} {' '.join(name[at] for name in names)}".rstrip() for at in range(tall)]
    return HEAD + "\n".join(lines) + "\n"


def _found() -> list[str]:
    everybody = doors.people()
    rows = []
    for door in doors.doors():
        if door.route.startswith(doors.MACHINES):
            continue
        answers = doors.knock(door, everybody)
        if len(answers) == 2 and answers["GET"] == answers["POST"]:
            answers = {"": answers["GET"]}
        rows += [_row(door.route, method, signs) for method, signs in answers.items()]
    return rows


def test_every_address_answers_each_role_as_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Template, "render", lambda *_: "")  # who is let in is what matters, not what they read
    found = _found()
    if os.environ.get("ACCESS") == "write":
        TABLE.write_text(_head() + "\n".join(found) + "\n")
    kept = [line for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    new, gone = [row for row in found if row not in kept], [row for row in kept if row not in found]
    said = "\n".join(("not as the table says, or without a row:", *new, "the table says:", *gone))
    assert not new, said
    assert not gone, said


def test_addresses_of_the_interfaces_want_a_token_of_everybody() -> None:
    people = {"stranger": AnonymousUser(), "order_manager": UserFactory(role="order_manager")}
    found = [door for door in doors.doors() if door.route.startswith(doors.MACHINES)]
    assert len(found) > 40
    nothing = {doors.LOG_IN, doors.MISSING}
    let_in = {
        f"{door.route} {method} {signs}"
        for door in found
        if not door.route.endswith("<path:rest>")  # what is nowhere else: not found
        for method, signs in doors.knock(door, people).items()
        if set(signs) - nothing
    }
    assert let_in == set()

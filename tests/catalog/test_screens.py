"""The catalogue's pages: what is sold, how it is configured, what it costs; our costs only for who keeps prices."""

from typing import Any

import pytest
from django.contrib.admin.sites import site as admin_site
from django.test import Client
from django.urls import reverse

from catalog.admin.entries import AdjustmentForm
from catalog.models import Offering
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


def logged_in(role: str) -> Client:
    client = Client()
    client.force_login(UserFactory(role=role))
    return client


def text(response: Any) -> str:
    return str(response.content.decode())


def test_the_list_shows_what_is_sold() -> None:
    said = text(logged_in("sales_agent").get(reverse("catalog:offering_list")))
    assert "Dedicated internet" in said
    assert "Mobile fleet" not in text(logged_in("sales_agent").get(reverse("catalog:offering_list"), {"q": "internet"}))


def test_an_offering_says_everything_but_our_cost() -> None:
    address = reverse("catalog:offering", args=["dia"])
    agent = text(logged_in("sales_agent").get(address))
    for said in ("AS number", "1,250.00", "term &gt;= 36", "100M, 500M, 1G, 10G"):
        assert said in agent
    assert "our cost" not in agent
    assert "430.00" not in agent
    assert "430.00" in text(logged_in("finance").get(address))


def test_requirements_are_in_words() -> None:
    said = text(logged_in("sales_agent").get(reverse("catalog:offering", args=["sdwan"])))
    assert "Needs one of" in said
    assert "at the same site" in said


def test_what_is_not_there_and_who_may_not() -> None:
    assert logged_in("sales_agent").get(reverse("catalog:offering", args=["nothing"])).status_code == 404
    assert logged_in("technician").get(reverse("catalog:offering_list")).status_code == 403
    assert logged_in("sales_agent").get(reverse("catalog:offering", args=["dia"]), {"version": "x"}).status_code == 200


def test_the_admin_refuses_a_rule_that_cannot_be_read() -> None:
    assert admin_site.is_registered(Offering)
    form = AdjustmentForm({"key": "k", "label": "L", "charge": "recurring", "step": "matrix", "how": "percent",
                           "value": "-5", "condition": "term >=", "position": "0"})  # fmt: skip
    assert "condition" in form.errors
    assert "value" not in form.errors

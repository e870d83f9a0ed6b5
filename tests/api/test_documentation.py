"""The guide's examples do what it says; its table names what is there; the pages for integrators show it."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from crm import systems
from kernel.models import AuditEntry, PersonalToken
from kernel.rest import openapi, resource, scopes
from orders.models import Order
from tests.factories.crm import SiteFactory
from tests.factories.orders import Shop
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
GUIDE = Path(__file__).resolve().parents[2] / "docs" / "api.md"


def _sent(command: str, values: dict[str, str]) -> Any:
    """What curl would send, by the test client."""
    for name, value in values.items():
        command = command.replace(f"${name}", value)
    words = shlex.split(command)[1:]
    url, method, headers, data = "", "", {}, []
    while words:
        word = words.pop(0)
        if word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-d":
            data.append(words.pop(0))
        elif word == "-X":
            method = words.pop(0)
        elif word != "-s":
            url = word
    kind = headers.pop("Content-Type", "application/x-www-form-urlencoded")
    path = url.removeprefix("http://testserver")
    if not data:
        return Client().get(path, headers=headers)
    return Client().generic(method or "POST", path, "&".join(data), content_type=kind, headers=headers)


def test_every_example_of_the_guide_works() -> None:
    shop = Shop()
    client, secret = systems.register(name="Example", scopes=scopes.every(), by=None, role="order_manager")
    values = {
        "HOST": "http://testserver", "CLIENT": client.client_id, "SECRET": secret, "ACCOUNT": shop.account.number,
        "SITE": str(SiteFactory(account=shop.account).pk),
    }  # fmt: skip
    commands = [line for line in GUIDE.read_text().splitlines() if line.startswith("curl ")]
    assert len(commands) >= 7
    for command in commands:
        answer = _sent(command, values)
        assert answer.status_code in (200, 201, 206), (command, answer.content)
        if "oauth/token" in command:
            values["TOKEN"] = answer.json()["access_token"]
        if "Idempotency-Key" in command:
            values["ORDER"] = answer.json()["id"]
    assert Order.objects.get().title == "One more line, renamed"


def test_the_guide_lists_what_there_is() -> None:
    text = GUIDE.read_text()
    for api in resource.apis():
        listed = re.search(rf"\| {api.file} [^|]*\| (\S+) \| `{re.escape(api.root)}` \|([^|]*)\|([^|]*)\|", text)
        assert listed, api.file
        assert api.version.startswith(listed[1]), api.file
        assert [one.name for one in api.resources if one.name not in listed[2]] == [], api.file
        assert [name for name in api.absent if name not in listed[3]] == [], api.file
        document = openapi.document(api, "https://provider.example")
        for one in api.resources:
            assert "get" in document["paths"][f"/{one.name}"]
            assert ("post" in document["paths"][f"/{one.name}"]) is (one.create is not None)


def test_pages_for_integrators_open_for_everybody() -> None:
    assert "TMF622" in Client().get("/api/").content.decode()
    page = Client().get("/api/tmf622/")
    assert "cancelProductOrder" in page.content.decode()
    assert "unsafe-inline" not in page["Content-Security-Policy"]
    assert Client().get("/api/tmf622/openapi.json").json()["basePath"].endswith("/v4/")
    assert Client().get("/api/nothing/").status_code == 404


@pytest.mark.parametrize("role", ["order_manager", "customer"])
def test_a_person_makes_a_token_that_is_shown_once_and_revokes_it(role: str) -> None:
    user = UserFactory(role=role)
    browser = Client()
    assert browser.get("/profile/tokens/").status_code == 302
    browser.force_login(user)
    assert "No tokens" in browser.get("/profile/tokens/").content.decode()
    refused = browser.post("/profile/tokens/", {"name": "", "days": "9999"})
    assert refused.status_code == 422
    page = browser.post("/profile/tokens/", {"name": "Report", "days": "30", "scopes": ["tmf622:read", "x"]})
    (text,) = set(re.findall(r"tlp_[\w-]{20,}", page.content.decode()))
    token = PersonalToken.objects.get()
    assert (token.scopes, text in token.digest) == (["tmf622:read"], False)
    assert text not in browser.get("/profile/tokens/").content.decode()
    assert AuditEntry.objects.filter(action="token made", actor=user).exists()

    script = Client(headers={"authorization": f"Bearer {text}"})
    orders = "/tmf-api/productOrderingManagement/v4/productOrder"
    assert script.get(orders).status_code == 200
    assert script.post(orders, "{}", content_type="application/json").status_code == 403
    stranger = Client()
    stranger.force_login(UserFactory(role="order_manager"))
    assert stranger.post(f"/profile/tokens/{token.pk}/revoke/").status_code == 404
    browser.post(f"/profile/tokens/{token.pk}/revoke/")
    assert script.get(orders).status_code == 401


def test_administrators_register_systems_and_read_their_calls() -> None:
    shop, admin = Shop(), UserFactory(is_superuser=True, is_staff=True)
    browser = Client()
    browser.force_login(admin)
    assert browser.get("/admin/kernel/apiclient/add/").status_code == 200
    sent = {"name": "Their shop", "account": shop.account.pk, "role": "", "scopes": ["tmf622:read"], "rate": 60}
    page = browser.post("/admin/kernel/apiclient/add/", sent, follow=True)
    assert "it is not shown again" in page.content.decode()
    assert browser.post("/admin/kernel/apiclient/add/", sent | {"account": ""}).status_code == 200
    for name in ("apiclient", "apicall", "subscription", "delivery"):
        assert browser.get(f"/admin/kernel/{name}/").status_code == 200

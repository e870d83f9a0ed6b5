"""Weight: what a browser that was never here transfers for a page, as a server compresses it; charts come later."""

import gzip
import re
from urllib.parse import urljoin

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import portal
from tests.factories.crm import AccountFactory
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

MOST = 150_000  # bytes
LINKED = re.compile(r'(?:<link[^>]+href|<script[^>]+src|<img[^>]+src|<use href)="(/[^"#?]+)')
IMPORTED = re.compile(r'^import [^"]*"(\.[^"]+)"', re.MULTILINE)
PACKED = (".woff2", ".png")


def _file(client: Client, url: str, seen: dict[str, int]) -> None:
    """The weight of a file and of all that it imports."""
    if url in seen:
        return
    answer = client.get(url)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    seen[url] = len(body if url.endswith(PACKED) else gzip.compress(body))
    if url.endswith(".js"):
        for name in IMPORTED.findall(body.decode()):
            _file(client, urljoin(url, name), seen)


@pytest.mark.parametrize(("role", "name"), [("order_manager", "home"), ("sales_manager", "home"), ("", "portal:home")])
def test_the_first_page_is_light(client: Client, role: str, name: str) -> None:
    client.force_login(UserFactory(role=role) if role else portal.customer(AccountFactory()))
    page = client.get(reverse(name)).content
    seen = {"the page": len(gzip.compress(page))}
    for url in LINKED.findall(page.decode()):
        _file(client, url, seen)
    assert len(seen) > 10, "files of the page are not found any more"
    assert not any("chart.umd" in url for url in seen)
    assert any("icons" in url for url in seen)
    assert sum(seen.values()) <= MOST, sorted(seen.items(), key=lambda one: -one[1])[:8]

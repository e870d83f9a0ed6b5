"""The grid of a quote: by blocks, filtered by the address, sums of everything, the same queries at any size."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contracts import quoteoutline
from contracts.models import Quote, QuoteLine
from kernel.models import User
from tests.factories import contracts_quotes as make
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


def logged_in(user: User | None = None) -> Client:
    client = Client()
    client.force_login(user or UserFactory(role="sales_agent"))
    return client


def url(quote: Quote, name: str = "quote") -> str:
    return reverse(f"contracts:{name}", args=[quote.number, quote.version])


def asked_of(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


@pytest.fixture
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quoteoutline, "ROWS", 3)


@pytest.mark.slow
def test_few_and_many_sites_ask_the_database_the_same() -> None:
    few, _ = make.filled(sites=2)
    many, lines = make.filled(sites=70)
    client = logged_in()
    assert asked_of(client, url(few)) == asked_of(client, url(many))
    said = str(client.get(url(many)).content.decode())
    assert said.count('data-l="') == quoteoutline.ROWS
    assert "All 70 sites, 70 lines" in said
    assert "30 more sites" in said
    last = str(client.get(f"{url(many)}?line={lines[-1].pk}").content.decode())
    assert f'id="c{lines[-1].pk}"' in last  # the block that holds the chosen cell


def test_blocks_follow_each_other_without_a_gap(short_blocks: None) -> None:
    quote, lines = make.filled(sites=7)
    client = logged_in()
    seen: list[str] = []
    for page in (1, 2, 3):
        answer = client.get(f"{url(quote, 'quote_rows')}?page={page}", headers={"HX-Request": "true"})
        said = answer.content.decode()
        seen += [str(line.pk) for line in lines if f'data-l="{line.pk}"' in said]
        assert ('id="more"' in said) is (page < 3)
        assert ('class="sx-group"' in said) is (page == 1)  # one country, one head
    assert sorted(seen) == sorted(str(line.pk) for line in lines)


def test_the_filter_is_in_the_address_and_the_sums_stay(short_blocks: None) -> None:
    quote, lines = make.filled(sites=5)
    QuoteLine.objects.filter(pk=lines[3].pk).update(problems={"bandwidth": ["Choose the bandwidth."]})
    client = logged_in()
    said = str(client.get(f"{url(quote)}?problem=cell").content.decode())
    assert "1 of 5 sites" in said
    assert f'data-l="{lines[3].pk}"' in said
    assert f'data-l="{lines[0].pk}"' not in said
    assert "All 5 sites, 5 lines" in said
    site: Any = lines[1].site
    by_name = str(client.get(f"{url(quote)}?q={site.code}").content.decode())
    assert f'data-l="{lines[1].pk}"' in by_name
    assert f'data-l="{lines[2].pk}"' not in by_name
    nothing = client.get(f"{url(quote)}?country=ZZ&product=99&page=90000")
    assert nothing.status_code == 200
    assert "0 of 5 sites" in nothing.content.decode()


def test_the_outline_and_the_words_agree_on_what_is_to_be_mended() -> None:
    from contracts import quotecompleteness

    quote, lines = make.filled(sites=3)
    QuoteLine.objects.filter(pk=lines[0].pk).update(problems={"bandwidth": ["Choose the bandwidth."]})
    QuoteLine.objects.filter(pk=lines[1].pk).update(feasibility=None)
    make.line(quote, make.site(quote.account), "sdwan")  # needs an access line at its site
    outline = quoteoutline.read(quote)
    told = {problem.line_id for problem in quotecompleteness.problems(quote) if problem.line_id}
    assert set(outline.wrong) == told
    assert outline.lines_with(quoteoutline.CHECK) == [lines[1].pk]

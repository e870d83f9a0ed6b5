"""Record pickers: a select for few rows, a search for many; only what the person may see, whatever is sent."""

import re
from typing import Any

import pytest
from django import forms
from django.test import Client
from django.urls import reverse

from crm.models import Account
from kernel import choosing, picking
from kernel.models import User
from tests.factories.crm import AccountFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


class Form(forms.Form):
    """One picker."""

    account = picking.RecordField("crm.account", label="Customer", empty_label="Choose a customer")


def form(by: User, data: Any = None, **scope: Any) -> Form:
    made = Form(data)
    picking.offer(made, "account", by, **scope)
    return made


@pytest.fixture
def agent() -> User:
    return UserFactory(role="sales_agent")


@pytest.fixture
def many() -> list[Account]:
    first = AccountFactory(name="Noordzee Retail")
    rows = [Account(name=f"Harbour {n:03}", number=f"ACCX{n}", kind="legal_entity", path=f"/x{n}/", root=first)
            for n in range(60)]  # fmt: skip
    return [first, *Account.objects.bulk_create(rows)]


def test_few_rows_are_a_select(agent: User) -> None:
    account = AccountFactory()

    drawn = str(form(agent)["account"])

    assert f'<option value="{account.pk}">{account.name}</option>' in drawn
    assert '<option value="">Choose a customer</option>' in drawn
    assert "combobox" not in drawn


def test_many_rows_are_searched_not_drawn(agent: User, many: list[Account], django_assert_num_queries: Any) -> None:
    made = form(agent)
    made.fields["account"].initial = many[7].pk

    with django_assert_num_queries(1):
        drawn = str(made["account"])

    assert 'role="combobox"' in drawn
    assert f'value="{many[7].name}"' in drawn
    assert many[40].name not in drawn


def test_a_key_is_looked_up_among_what_is_offered(agent: User, many: list[Account]) -> None:
    assert form(agent, {"account": str(many[3].pk)}).is_valid()
    for wrong in ("0", "-1", "9" * 30, "x", "1 OR 1=1", str(many[3].pk)):
        refused = form(agent, {"account": wrong}, kind="partner")
        assert refused.errors["account"] == ["Choose one of those offered."], wrong
    assert form(agent, {"account": ""}).errors["account"] == ["This field is required."]


def test_text_alone_is_an_answer_when_it_is_clear(agent: User, many: list[Account]) -> None:
    one = form(agent, {"account": "", "account_typed": "noordzee"})
    none = form(agent, {"account": "", "account_typed": "Zuiderzee <b>"})
    several = form(agent, {"account": "", "account_typed": "harbour 01"})
    other = form(agent, {"account": str(many[3].pk), "account_typed": "Noordzee Retail"})
    emptied = form(agent, {"account": str(many[3].pk), "account_typed": " "})
    same = form(agent, {"account": str(many[3].pk), "account_typed": many[3].name})

    assert one.is_valid()
    assert one.cleaned_data["account"] == many[0]
    assert none.errors["account"] == ["Nothing here is called “Zuiderzee <b>”."]
    assert several.errors["account"][0].startswith("Several fit: Harbour 010; Harbour 011; Harbour 012 …")
    assert f'<option value="{many[11].pk}">Harbour 010</option>' in str(
        several["account"]
    )  # to choose from, unscripted
    assert other.is_valid()
    assert other.cleaned_data["account"] == many[0]
    assert not emptied.is_valid()
    assert same.is_valid()


def test_the_search_gives_what_the_person_may_see(client: Client, agent: User, many: list[Account]) -> None:
    client.force_login(agent)
    drawn = str(form(agent)["account"])
    found = re.search(r'data-picker="([^"]+)"', drawn)
    assert found
    url = found[1].replace("&amp;", "&")

    page = client.get(f"{url}&q=retail+noord").content.decode()
    everything = client.get(url).content.decode()

    assert page.count("data-key") == 1
    assert f'data-key="{many[0].pk}"' in page
    assert everything.count("data-key") == choosing.SHOWN
    assert "Type on" in everything
    assert "Nothing fits" in client.get(f"{url}&q=%00zz%25_'").content.decode()
    client.force_login(UserFactory(role="sales_agent"))
    assert client.get(url).status_code == 400  # another person's slip
    for slip in ("", "x", choosing.slip("no.such", agent, {}), choosing.slip("crm.account", agent, {"odd": 1})):
        client.force_login(agent)
        assert client.get(reverse("choose"), {"slip": slip}).status_code == 400


def test_a_right_taken_away_empties_the_search(client: Client, agent: User, many: list[Account]) -> None:
    client.force_login(agent)
    slip = choosing.slip("crm.account", agent, {})
    agent.groups.clear()

    page = client.get(reverse("choose"), {"slip": slip, "q": "harbour"}).content.decode()

    assert "data-key" not in page


def test_each_kind_offers_nothing_to_nobody() -> None:
    nobody = UserFactory()
    people = {"kernel.colleague", "crm.seller", "crm.ours", "contracts.signer"}  # of us, not of customers
    AccountFactory()

    seen = {
        name: made.rows(nobody, **({"root": 1} if name == "crm.profile" else {})).exists()
        for name, made in choosing._kinds.items() if name not in people
    }  # fmt: skip

    assert seen
    assert not any(seen.values())


def test_a_chip_lists_few_records_and_searches_many(agent: User) -> None:
    client = Client()
    client.force_login(agent)
    url = reverse("crm:account_list")
    AccountFactory(name="Alder", owner=agent)
    page = client.get(url).content.decode()
    assert f'<option value="{agent.pk}">' in page
    assert "data-picker" not in page
    sellers = [UserFactory(role="sales_agent", first_name="Seller", last_name=f"No{n:03}") for n in range(51)]
    AccountFactory(name="Birch", owner=sellers[7])
    page = client.get(url).content.decode()
    assert "data-picker" in page
    assert "No008" not in page
    for query in ({"owner": sellers[7].pk}, {"owner_typed": "Seller No007"}):
        found = client.get(url, query).content.decode()
        assert "Birch" in found
        assert "Alder" not in found
    assert "Nothing here is called “Nobody”" in client.get(url, {"owner_typed": "Nobody"}).content.decode()
    gone = re.search(
        r'href="\?([^"]*)"[^>]*>[^<]*(?:<[^>]+>)*[^<]*Clear', client.get(url, {"owner_typed": "No007"}).content.decode()
    )
    assert gone is None or "owner_typed" not in gone[1]

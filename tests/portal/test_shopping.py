"""The catalogue at own prices, the basket, and what becomes of it when it is handed in."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.models import Offering
from contracts import quoteapproval, quoting, requesting
from contracts.models import Quote
from crm.models import Contact
from kernel import home
from kernel.models import Notification
from tests.contracts.conftest import blank_pages, catalogue  # noqa: F401 – fixtures
from tests.factories import contracts_quotes as make
from tests.factories import portal
from tests.factories.contracts import entitle
from tests.factories.crm import AccountFactory, SiteFactory
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.usefixtures("catalogue", "blank_pages")]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def julia(client: Client) -> Any:
    """A customer who may sign, with two sites; her account manager is Mira."""
    account, sites = make.customer()
    account.owner = UserFactory(role="sales_agent", username="mira")
    account.save()
    person = portal.customer(account)
    Contact.objects.filter(user=person).update(role="signatory")
    client.force_login(person)
    person.account, person.sites = account, sites
    return person


@pytest.fixture
def open_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """No approval is wanted of anything."""
    monkeypatch.setattr(quoteapproval, "reasons", lambda quote: [])


def put(client: Client, key: str, *sites: Any, **values: Any) -> Any:
    data = {**values, "site": [str(site.pk) for site in sites]}
    return client.post(reverse("portal:offering", args=[key]), data, headers=HTMX)


def test_the_catalogue_has_what_has_a_price_for_this_company(client: Client, julia: Any) -> None:
    page = client.get(reverse("portal:catalogue")).content.decode()
    assert "SD-WAN site" in page
    assert "a month" in page
    listed = next(one for one in requesting.offers(julia) if one.offering.key == "sdwan")
    make.agreement(julia.account, percent=10)
    agreed = next(one for one in requesting.offers(julia) if one.offering.key == "sdwan")
    assert listed.monthly
    assert agreed.monthly == (listed.monthly * Decimal("0.9")).quantize(Decimal("0.01"))
    agent = Client()
    agent.force_login(UserFactory(role="sales_agent"))
    assert agent.get(reverse("portal:catalogue")).status_code == 403
    Offering.objects.filter(key="sip").update(kind="bundle", specification=None, description="")
    for address in (reverse("portal:catalogue"), reverse("portal:offering", args=["sip"])):
        assert client.get(address).status_code == 200, "a bundle has no specification"


def test_the_price_follows_the_choice_and_wrong_values_are_told_at_their_fields(client: Client, julia: Any) -> None:
    url = reverse("portal:offering", args=["sip"])
    few, many = (
        client.post(url, {"channels": channels, "price": "1"}, headers=HTMX).context["offer"].monthly
        for channels in ("10", "100")
    )
    assert many > few
    wrong = put(client, "sip", *julia.sites, channels="100000")
    assert wrong.status_code == 422
    assert "c-channels-e" in wrong.content.decode()
    assert "100000" in wrong.content.decode(), "what was typed stays"
    assert requesting.basket(julia) is None
    for channels, quantity in (("9" * 40, "abc"), ("1e999", "-5"), ("NaN", "9" * 5000), ("10", "0")):
        absurd = put(client, "sip", *julia.sites, channels=channels, quantity=quantity)
        assert absurd.status_code == 422
        assert f'value="{quantity}"' in absurd.content.decode()
        assert "from 1 to 100,000" in absurd.content.decode()
        again = client.post(url, {"channels": channels, "quantity": quantity, "price": "1"}, headers=HTMX)
        assert again.status_code == 200
    crafted = client.post(url, {"channels": "10", "quantity": "1", "site": ["9" * 5000, "²", "-1"]}, headers=HTMX)
    assert "Choose at least one site" in crafted.content.decode()
    nowhere = put(client, "sip", channels="10")
    assert nowhere.status_code == 422
    assert "Choose at least one site" in nowhere.content.decode()
    assert client.get(reverse("portal:offering", args=["no-such"])).status_code == 404


def test_a_basket_is_filled_changed_and_handed_to_the_account_manager(client: Client, julia: Any) -> None:
    assert "Your basket is empty" in client.get(reverse("portal:cart")).content.decode()
    assert client.post(reverse("portal:cart")).status_code == 422
    foreign = SiteFactory(account=AccountFactory())
    assert put(client, "sdwan", *julia.sites, foreign).headers["HX-Redirect"] == reverse("portal:cart")
    put(client, "sip", julia.sites[0], channels="20")
    quote = requesting.basket(julia)
    assert quote is not None
    assert {line.site_id for line in quote.lines.all()} == {site.pk for site in julia.sites}
    again = put(client, "sdwan", julia.sites[0])
    assert again.status_code == 422
    assert "has SD-WAN site already" in again.content.decode()

    page = client.get(reverse("portal:cart")).content.decode()
    assert "Channels 20" in page
    assert "cost" not in page.lower()
    client.post(reverse("portal:cart_term"), {"term": "12"})
    assert client.post(reverse("portal:cart_term"), {"term": "13"}).status_code == 422
    dearer = Quote.objects.get(pk=quote.pk)
    assert dearer.term_months == 12
    assert dearer.monthly > quote.monthly
    line = quote.lines.get(offering__key="sip")
    client.post(reverse("portal:cart_out", args=[line.pk]))
    assert client.post(reverse("portal:cart_out", args=[line.pk])).status_code == 404

    assert client.post(reverse("portal:cart"), {"note": "Before Easter, please."}).status_code == 302
    handed = Quote.objects.get(pk=quote.pk)
    assert (handed.state, handed.wish, handed.owner) == ("draft", "Before Easter, please.", julia.account.owner)
    assert handed.title == f"SD-WAN site: {julia.sites[0].name}, {julia.sites[1].name}"
    assert Notification.objects.get(user=julia.account.owner).url == handed.get_absolute_url()
    asked = [action.text for action in home.actions_for(julia.account.owner)]
    assert asked == [f"Answer {julia}: {handed.title}"]
    handed.owner = None
    handed.save(update_fields=["owner"])
    assert not home.actions_for(julia.account.owner)
    assert home.actions_for(UserFactory(role="sales_manager"))[0].url == handed.get_absolute_url(), "somebody has to"
    told = client.get(reverse("portal:quote_list")).content.decode()
    assert "We are working on it" in told
    assert "€" not in told, "what it will cost is not the customer's to read before it is offered"
    assert requesting.basket(julia) is None


def test_a_basket_is_its_persons_own(client: Client, julia: Any) -> None:
    put(client, "sip", julia.sites[0], channels="20")
    line = requesting.lines(requesting.basket(julia))[0]  # type: ignore[arg-type]
    for account in (julia.account, AccountFactory()):
        other = portal.customer(account)
        client.force_login(other)
        assert "Your basket is empty" in client.get(reverse("portal:cart")).content.decode()
        assert client.post(reverse("portal:cart_out", args=[line.pk])).status_code == 404
    second = Quote.objects.filter(pk=quoting.create(by=None, account_id=julia.account.pk).pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        second.update(asked_by=julia)


def test_what_needs_nobodys_word_is_ready_to_be_signed(client: Client, julia: Any, open_rules: None) -> None:
    entitle("sip")
    put(client, "sip", julia.sites[0], channels="20")
    client.post(reverse("portal:cart"))
    quote = Quote.objects.latest("pk")
    assert quote.state == "presented"
    assert "Read and sign" in client.get(reverse("portal:quote_list")).content.decode()
    Quote.objects.filter(pk=quote.pk).update(state="accepted", accepted_at=timezone.now())
    for page in ("home", "order_list"):
        assert "We prepare your order" in client.get(reverse(f"portal:{page}")).content.decode()


def test_who_may_not_sign_hands_it_over(client: Client, julia: Any, open_rules: None) -> None:
    Contact.objects.filter(user=julia).update(role="technical")
    put(client, "sip", julia.sites[0], channels="20")
    assert not requesting.hand_in(user=julia).ready
    assert Quote.objects.latest("pk").state == "draft"

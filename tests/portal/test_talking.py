"""A quote in the portal: its page, and what both sides write about it; notes among us never get there."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from contracts import presenting, quoteversions
from contracts.models import Quote, SignatureRequest
from crm.models import Contact
from kernel import commenting, following
from kernel.models import Notification, User
from portal import talking
from tests.factories import contracts, portal
from tests.factories.crm import AccountFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.usefixtures("stock")]


@pytest.fixture
def asked() -> SignatureRequest:
    return portal.presented()


@pytest.fixture
def quote(asked: SignatureRequest) -> Quote:
    found: Quote = Quote.objects.select_related("owner").get(pk=asked.subject_id)
    return found


def page(quote: Quote) -> str:
    return reverse("portal:quote", args=[quote.number, quote.version])


def signatory(asked: SignatureRequest) -> User:
    assert asked.contact and asked.contact.user  # noqa: PT018
    return asked.contact.user


def agents(client: Client, quote: Quote, text: str, **more: str) -> None:
    assert quote.owner
    client.force_login(quote.owner)
    answer = client.post(reverse("activity", args=["contracts.quote", quote.pk]), {"text": text, **more})
    assert answer.status_code == 302


def test_the_page_has_prices_sites_papers_and_the_way_to_sign(
    client: Client, asked: SignatureRequest, quote: Quote
) -> None:
    client.force_login(signatory(asked))
    text = client.get(page(quote)).content.decode()
    for told in (
        quote.title,
        f"{quote.monthly:,.2f}",
        "Read and sign",
        asked.document.name,
        "2 sites",
        str(quote.owner),
    ):
        assert told in text
    assert reverse("portal:sign", args=[asked.pk]) in text
    assert f"{quote.monthly_cost:,.2f}" not in text
    assert page(quote) in client.get(reverse("portal:quote_list")).content.decode()


def test_a_draft_and_another_companys_quote_are_not_found(client: Client, quote: Quote) -> None:
    client.force_login(portal.customer(quote.account))
    presenting.withdraw(quote_id=quote.pk, by=contracts.manager(), reason="Wrong sites")
    nextone = quoteversions.new_version(quote_id=quote.pk, by=None)
    assert client.get(page(quote)).status_code == 200  # what was given to them stays readable
    assert client.get(page(nextone)).status_code == 404
    client.force_login(portal.customer(AccountFactory()))
    assert client.get(page(quote)).status_code == 404
    assert client.post(page(quote), {"text": "Mine?"}).status_code == 404


def test_both_sides_write_and_what_is_internal_stays_inside(
    client: Client, asked: SignatureRequest, quote: Quote, django_capture_on_commit_callbacks: Any
) -> None:
    julia = signatory(asked)
    client.force_login(julia)
    empty = client.post(page(quote), {"text": "  "}, headers={"HX-Request": "true"})
    assert (empty.status_code, "Write something first." in empty.content.decode()) == (422, True)
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(page(quote), {"text": "Is <b>Brno</b> in it?"}).status_code == 302
    assert mail.outbox[-1].to == [quote.owner.email]  # type: ignore[union-attr]
    assert f"/quotes/{quote.number}/v{quote.version}/" in mail.outbox[-1].body
    assert not following.follows(quote, julia)

    agents(client, quote, f"@{julia.username} margin is thin")
    assert not Notification.objects.filter(user=julia).exists()
    with django_capture_on_commit_callbacks(execute=True):
        agents(client, quote, "Brno is in it.", shared="on")
    told = Notification.objects.get(user=julia)
    assert (told.url, "Brno is in it." in told.text) == (page(quote), True)
    assert mail.outbox[-1].to == [julia.email]

    client.force_login(julia)
    text = client.get(page(quote)).content.decode()
    assert "Is &lt;b&gt;Brno&lt;/b&gt; in it?" in text
    assert "Brno is in it." in text
    assert "margin" not in text


def test_the_talk_goes_on_over_versions(client: Client, asked: SignatureRequest, quote: Quote) -> None:
    julia = signatory(asked)
    talking.say(quote=quote, text="Without Brno, please", by=julia)
    presenting.withdraw(quote_id=quote.pk, by=contracts.manager(), reason="Without Brno")
    newer = quoteversions.new_version(quote_id=quote.pk, by=None)
    assert not commenting.reaches_customer(newer)  # they have no page of a draft
    assert [one.text for one in talking.said(newer, julia)] == ["Without Brno, please"]


def test_who_may_only_read_cannot_write(client: Client, quote: Quote) -> None:
    reader = portal.customer(quote.account)
    group = reader.groups.get()
    group.permissions.remove(*group.permissions.filter(codename="request_quote"))
    client.force_login(reader)
    assert "Your signatory can write to us" in client.get(page(quote)).content.decode()
    assert client.post(page(quote), {"text": "May I?"}).status_code == 403
    assert Contact.objects.filter(user=reader).exists()

"""Screens of contracts: quoted from, given notice, ended early with the charge shown, printed; who gets in."""

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from contracts import basis
from contracts.models import Contract, ContractAmendment, Quote, Termination
from kernel import documents, outbox
from kernel.models import ApprovalStep, User
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def _as(client: Client, role: str) -> User:
    user: User = UserFactory(role=role)
    client.force_login(user)
    return user


def _url(name: str, contract: Contract, *more: object) -> str:
    return reverse(f"contracts:{name}", args=[contract.number, *more])


def test_a_quote_starts_from_the_page(client: Client, live: Contract) -> None:
    _as(client, "sales_agent")
    assert "Quote from it" in client.get(_url("contract", live)).content.decode()
    answer = client.post(_url("contract_quote", live), {"purpose": "renewal"})
    made = Quote.objects.get(basis=live)
    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("contracts:quote", args=[made.number, 1]))
    shown = client.get(_url("contract", live)).content.decode()
    assert "Under way" in shown
    assert made.number in shown
    assert client.post(_url("contract_quote", live), {"purpose": "amendment"}).status_code == 409
    assert client.post(_url("contract_quote", live), {"purpose": "gift"}).status_code == 422


def test_an_early_end_from_preview_to_notice(client: Client, live: Contract) -> None:
    _as(client, "sales_agent")
    url, today = _url("contract_end", live), timezone.localdate()
    page = client.get(url)
    assert page.context["preview"].total > 0
    assert "Months 2 to 12" in page.content.decode()
    later = today + dt.timedelta(days=100)
    shown = client.post(url, {"on": later, "side": "customer", "reason": "", "show": "1"})
    assert (shown.status_code, shown.context["preview"].on) == (200, later)
    assert "There is a problem" not in shown.content.decode()
    assert client.post(url, {"on": "", "reason": "", "show": "1"}).status_code == 422
    wrong = client.post(url, {"on": today, "side": "customer", "reason": "x", "charge": "1.00"})
    assert wrong.status_code == 422
    assert "Say why less is charged" in wrong.content.decode()
    assert client.post(url, {"on": "soon", "side": "customer", "reason": ""}).status_code == 422
    assert client.post(url, {"on": today, "side": "customer", "reason": "They close."}).status_code == 302
    made = Termination.objects.get()
    said = client.get(_url("contract", live)).content.decode()
    assert "They close." in said
    assert "is being decided" in said
    assert f'href="{url}"' not in said
    _as(client, "sales_manager")
    step = ApprovalStep.objects.get(request__subject_type="contracts.termination")
    assert client.post(reverse("approval_decide", args=[step.pk]), {"decision": "approve"}).status_code == 302
    assert Contract.objects.get(pk=live.pk).state == "terminated"
    outbox.drain()
    outbox.drain()
    kept = documents.of(live).get(kind="termination_notice")
    assert kept.customer_may_see
    assert client.get(_url("notice_pdf", live, made.number)).headers["Content-Type"] == "application/pdf"
    assert "Together" in client.get(_url("contract", live)).content.decode()
    assert "Only one in force" in client.get(url).content.decode()


def test_notice_and_rule(client: Client, live: Contract) -> None:
    _as(client, "sales_manager")
    assert client.post(_url("contract_notice", live), {"on": "yesterday"}).status_code == 422
    wrong = client.post(_url("contract_rule", live), {"renew_months": "99", "notice_days": "30"})
    assert wrong.status_code == 422
    assert "1 to 60" in wrong.content.decode()
    rule = {"auto_renew": "on", "renew_months": "12", "notice_days": "90"}
    assert client.post(_url("contract_rule", live), rule).status_code == 302
    assert Contract.objects.get(pk=live.pk).renew_months == 12
    assert client.post(_url("contract_notice", live), {"on": timezone.localdate()}).status_code == 302
    assert "Notice was given" in client.get(_url("contract", live)).content.decode()
    assert client.post(_url("contract_notice", live), {"on": timezone.localdate()}).status_code == 409


def test_the_list_finds_what_ends_soon(client: Client, live: Contract) -> None:
    soon, late = live, make.live(sites=1)
    Contract.objects.filter(pk=soon.pk).update(ends_on=timezone.localdate() + dt.timedelta(days=20))
    _as(client, "sales_agent")
    shown = client.get(reverse("contracts:contract_list"), {"ending": "30"}).content.decode()
    assert soon.number in shown
    assert late.number not in shown


@pytest.mark.parametrize("role", ["service_agent", "fallout_agent"])
def test_who_may_not(client: Client, role: str, live: Contract) -> None:
    _as(client, role)
    for name in ("contract_quote", "contract_notice", "contract_rule", "contract_end", "contract_end_withdraw"):
        assert client.post(_url(name, live), {}).status_code == 403
    if role == "service_agent":
        assert "Quote from it" not in client.get(_url("contract", live)).content.decode()


def test_amendments_are_shown_and_printed(client: Client, live: Contract) -> None:
    quote = basis.start(contract_id=live.pk, purpose="amendment", by=quotes.seller())
    ContractAmendment.objects.create(
        contract=live, number=1, quote=quote, on=timezone.localdate(), monthly_before=1, monthly_after=2,
        differences=[{"kind": "added", "name": "Dedicated internet", "site": "Here", "fields": [],
                      "monthly_before": "0.00", "monthly_after": "1.00"}],
    )  # fmt: skip
    _as(client, "sales_agent")
    shown = client.get(_url("contract", live)).content.decode()
    assert "Amendment 1" in shown
    for url in (_url("contract_pdf", live), _url("amendment_pdf", live, 1)):
        assert client.get(url).headers["Content-Type"] == "application/pdf"
    assert client.get(_url("amendment_pdf", live, 2)).status_code == 404


def test_the_page_asks_the_same_of_few_and_many_sites(client: Client, live: Contract) -> None:
    few, many = live, make.live(sites=6)
    _as(client, "sales_agent")
    counts = []
    for contract in (few, few, many):
        for name in ("contract", "contract_end"):
            with CaptureQueriesContext(connection) as asked:
                assert client.get(_url(name, contract)).status_code == 200
            counts.append(len(asked))
    assert counts[2:4] == counts[4:]

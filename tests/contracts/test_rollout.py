"""The deal of two hundred sites: from its list over mending and approval to the signed contract, by the screens."""

import re
from collections import Counter

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from cmdb.models import FeasibilityCheck
from config.demo import rollout, story
from contracts import documents, printruns
from contracts.models import Contract, Quote, QuoteLine, SheetImport
from contracts.tasks import make_quote_pdf
from crm.models import Contact
from fulfillment import sitechecks
from kernel import outbox
from kernel.models import User
from tests.factories.rollout import mended

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("blank_pages"), pytest.mark.slow]


def as_person(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def address(quote: Quote, name: str = "quote", *more: int) -> str:
    return reverse(f"contracts:{name}", args=[quote.number, quote.version, *more])


def sent(client: Client, quote: Quote, content: bytes, name: str = "rollout.csv") -> SheetImport:
    """Upload a file and land on its columns."""
    answer = client.post(address(quote, "quote_import"), {"file": SimpleUploadedFile(name, content)})
    assert answer.status_code == 302, answer.content.decode()
    return SheetImport.objects.filter(quote=quote).latest("id")


def taken(client: Client, quote: Quote, sheet: SheetImport) -> SheetImport:
    """Press “Import” with the mapping as guessed."""
    columns = {f"to-{place}": target for place, target in enumerate(sheet.mapping)}
    client.post(address(quote, "quote_sheet", sheet.pk), columns | {"act": "import"})
    return SheetImport.objects.get(pk=sheet.pk)


def test_two_hundred_sites_go_from_the_list_to_the_signed_contract() -> None:
    team = story.provider()
    quote = rollout.open_deal(team["sales_agent"])
    mira = as_person(team["sales_agent"])
    sheet = sent(mira, quote, rollout.SITES.read_bytes())
    assert all(sheet.mapping), dict(zip(sheet.columns, sheet.mapping, strict=True))
    page = mira.get(address(quote, "quote_sheet", sheet.pk)).content.decode()
    assert "Import 190 rows" in page
    done = taken(mira, quote, sheet)
    assert (done.done, len(done.refused), done.sites_made) == (rollout.GOOD, rollout.BAD, rollout.GOOD)
    kinds = Counter(column for row in done.refused for column, _ in row["problems"])
    assert set(kinds) == {
        "latitude", "postcode", "city", "dia", "account", "code", "name", "discount", "contact_email", "country",
    }  # fmt: skip
    again = sent(mira, quote, mended(mira.get(address(quote, "quote_refused", sheet.pk)).content.decode()))
    rest = taken(mira, quote, again)
    assert len(rest.refused) == 1  # the row without a town was not mended
    assert rest.sites_made == rollout.BAD - 1
    page = mira.get(address(quote)).content.decode()
    assert "All 199 sites" in page
    assert "site check" in page  # the partner that owns some last miles has not answered yet
    partner_answers()
    page = mira.get(address(quote)).content.decode()
    assert "Nothing is missing" in page
    quote = signed(team, mira, Quote.objects.get(pk=quote.pk))
    assert quote.state == Quote.State.ACCEPTED
    contracts = Contract.objects.filter(quote=quote)
    assert contracts.filter(kind=Contract.Kind.SERVICE).count() == 199
    sales = contracts.get(kind=Contract.Kind.SALES)
    assert sales.lines.count() == QuoteLine.objects.filter(quote=quote).count()


def partner_answers() -> None:
    """The partner's callbacks come in."""
    waiting = FeasibilityCheck.objects.filter(result="open", provider="partner")
    assert waiting.count() > 0
    for check in waiting:
        outputs = {"result": "near_net", "lead_days": 30, "max_mbps": 10_000}
        sitechecks.receive(f"e{check.pk}", {"key": check.number, "status": "completed", "outputs": outputs})
    outbox.drain()


def signed(team: dict[str, User], mira: Client, quote: Quote) -> Quote:
    """Submitted, approved by whoever is asked, presented, signed by the link in the mail."""
    mira.post(address(quote, "quote_submit"), {"note": "Two hundred stores, three years."})
    quote = Quote.objects.get(pk=quote.pk)
    from contracts.quoteapproval import steps_of

    for step in steps_of(quote):
        approver = as_person(team[step.role])
        approver.post(reverse("approval_decide", args=[step.pk]), {"decision": "approve", "back": address(quote)})
    quote = Quote.objects.get(pk=quote.pk)
    assert quote.state == Quote.State.APPROVED
    assert quote.lines.count() > documents.AT_ONCE
    make_quote_pdf(run_id=printruns.ask(quote).pk)
    ruben = Contact.objects.get(account=quote.account, role=Contact.Role.SIGNATORY)
    answer = mira.post(reverse("contracts:signing_send", args=["contracts.quote", quote.pk]), {"contact": ruben.pk})
    assert answer.status_code in (200, 201, 302), answer.content.decode()
    told = answer.content.decode() + "".join(str(one.body) for one in mail.outbox)
    found = re.search(r"/sign/([\w-]{20,})/", told)
    assert found, told
    customer = Client()
    link = reverse("contracts:sign", args=[found[1]])
    assert customer.get(link).status_code == 200
    assert customer.post(link, {"name": str(ruben), "consent": "on"}).status_code == 302
    return Quote.objects.get(pk=quote.pk)

"""The signing page without log-in, and the agents' panel about it."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfWriter

from contracts import consent
from contracts.models import Contract, Quote, SignatureRequest
from crm.models import Contact
from kernel.models import User
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def _page(made: SignatureRequest, name: str = "sign") -> str:
    return reverse(f"contracts:{name}", args=[made.token])


def _as(client: Client, role: str) -> User:
    user: User = UserFactory(role=role)
    client.force_login(user)
    return user


def test_an_unknown_token_is_no_page(client: Client) -> None:
    for name in ("sign", "sign_document", "sign_decline"):
        url = reverse(f"contracts:{name}", args=["A" * 43])
        answer = client.post(url) if name == "sign_decline" else client.get(url)
        assert answer.status_code == 404


def test_the_page_shows_the_figures_and_the_document_without_log_in(
    client: Client, presented: SignatureRequest
) -> None:
    page = client.get(_page(presented))
    said = page.content.decode()
    quote = Quote.objects.get(pk=presented.subject_id)
    assert page.status_code == 200
    assert quote.title in said
    assert consent.shown(presented).text in said
    assert "same-origin" in page.headers["Referrer-Policy"]
    assert "no-store" in page.headers["Cache-Control"]
    file = client.get(_page(presented, "sign_document"))
    assert (file.content[:5], file.headers["X-Frame-Options"]) == (b"%PDF-", "SAMEORIGIN")
    assert f"{quote.monthly_cost:,.2f}" not in said


def test_signing_in_the_browser(client: Client, presented: SignatureRequest) -> None:
    wrong = client.post(_page(presented), {"name": "Julia Brandt"})
    assert wrong.status_code == 422
    assert "Tick the box" in wrong.content.decode()
    assert 'value="Julia Brandt"' in wrong.content.decode()
    assert client.post(_page(presented), {"name": "Julia Brandt", "consent": "on"}).status_code == 302
    stored = SignatureRequest.objects.get(pk=presented.pk)
    assert (stored.signed_name, stored.address) == ("Julia Brandt", "127.0.0.1")
    thanks = client.get(_page(presented))
    assert thanks.status_code == 200
    assert "Signed. Thank you." in thanks.content.decode()
    again = client.post(_page(presented), {"name": "Julia Brandt", "consent": "on"})
    assert again.status_code == 409
    assert Contract.objects.filter(kind="sales").count() == 1
    signed = client.get(_page(presented, "sign_document"))
    assert signed.headers["Content-Disposition"].endswith('-signed.pdf"')


def test_a_void_link_says_so_and_shows_no_document(client: Client, presented: SignatureRequest) -> None:
    make.presented(Quote.objects.get(pk=presented.subject_id))
    page = client.get(_page(presented))
    assert page.status_code == 409
    assert "no longer valid" in page.content.decode()
    assert client.get(_page(presented, "sign_document")).status_code == 404


def test_declining_in_the_browser(client: Client, presented: SignatureRequest) -> None:
    assert client.post(_page(presented, "sign_decline"), {"reason": ""}).status_code == 422
    assert client.post(_page(presented, "sign_decline"), {"reason": "Too dear"}).status_code == 302
    assert "Declined" in client.get(_page(presented)).content.decode()
    assert Quote.objects.get(pk=presented.subject_id).state == "declined"


def test_the_page_wants_its_own_form(presented: SignatureRequest) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(_page(presented), {"name": "Julia Brandt", "consent": "on"}).status_code == 403


def test_the_agent_presents_and_sees_the_link_once(client: Client) -> None:
    quote = make.approved_quote()
    _as(client, "sales_agent")
    panel = reverse("contracts:signature", args=["contracts.quote", quote.pk])
    send = reverse("contracts:signing_send", args=["contracts.quote", quote.pk])
    Contact.objects.filter(account__root=quote.account.root).update(role="buyer")
    add = reverse("crm:account_add_contact", args=[quote.account.number])
    assert f"{add}?role=signatory&amp;back={quote.get_absolute_url()}" in client.get(panel).content.decode()
    person = {"first_name": "Ida", "last_name": "Lund", "role": "signatory"}
    for back, to in ((quote.get_absolute_url(),) * 2, ("//evil.example/", quote.account.get_absolute_url())):
        mail = f"ida{len(back)}@x.example"
        made = client.post(f"{add}?back={back}", {**person, "email": mail}, headers={"HX-Request": "true"})
        assert made.headers["HX-Redirect"] == to
    assert "Present" in client.get(panel, headers={"HX-Request": "true"}).content.decode()
    told = client.post(send, {"contact": make.signatory(quote.account).pk}, headers={"HX-Request": "true"})
    assert told.status_code == 201
    assert told.headers["HX-Trigger"] == "presented"
    assert "/sign/" in told.content.decode()
    assert "/sign/" not in client.get(panel).content.decode()
    assert Quote.objects.get(pk=quote.pk).state == "presented"


def test_wrong_signatories_are_refused_at_the_field(client: Client) -> None:
    quote, stranger = make.approved_quote(), make.signatory(quotes.customer()[0])
    _as(client, "sales_agent")
    send = reverse("contracts:signing_send", args=["contracts.quote", quote.pk])
    for contact in (stranger.pk, "x", ""):
        answer = client.post(send, {"contact": contact}, headers={"HX-Request": "true"})
        assert answer.status_code == 422
        assert answer.context["form"].errors["contact"]
    assert Quote.objects.get(pk=quote.pk).state == "approved"


def test_presenting_too_early_is_a_conflict_and_rights_are_asked(client: Client) -> None:
    draft, _ = quotes.filled()
    send = reverse("contracts:signing_send", args=["contracts.quote", draft.pk])
    contact = {"contact": make.signatory(draft.account).pk}
    _as(client, "sales_agent")
    assert client.post(send, contact).status_code == 409
    _as(client, "order_agent")
    assert client.post(send, contact).status_code == 403
    _as(client, "customer")
    assert client.post(send, contact).status_code == 403
    _as(client, "sales_agent")
    assert client.get(reverse("contracts:signature", args=["kernel.user", 1])).status_code == 404


def _scan() -> SimpleUploadedFile:
    out, writer = BytesIO(), PdfWriter()
    writer.add_blank_page(595, 842)
    writer.write(out)
    return SimpleUploadedFile("scan.pdf", out.getvalue(), "application/pdf")


def test_paper_is_uploaded(client: Client, presented: SignatureRequest) -> None:
    _as(client, "sales_agent")
    url = reverse("contracts:signing_paper", args=["contracts.quote", presented.subject_id])
    values = {"name": "Julia Brandt", "signed_on": timezone.localdate().isoformat()}
    evil = SimpleUploadedFile("scan.pdf", b"<script>alert(1)</script>", "application/pdf")
    wrong = client.post(url, {**values, "file": evil})
    assert wrong.status_code == 422
    assert wrong.context["paper"].errors["file"]
    assert client.post(url, {**values, "file": _scan()}).status_code == 302
    assert client.post(url, {**values, "file": _scan()}).status_code == 409
    decide = reverse("contracts:signing_copy", args=["contracts.quote", presented.subject_id])
    panel = reverse("contracts:signature", args=["contracts.quote", presented.subject_id])
    assert "A colleague compares it" in client.get(panel).content.decode()
    assert client.post(decide, {"decision": "confirm"}).status_code == 403
    _as(client, "sales_manager")
    assert "Once confirmed it is the signature" in client.get(panel).content.decode()
    assert client.post(decide, {"decision": "refuse"}).status_code == 422
    assert client.post(decide, {"decision": "confirm"}).status_code == 302
    assert Quote.objects.get(pk=presented.subject_id).state == "accepted"
    assert client.post(decide, {"decision": "confirm"}).status_code == 404
    assert client.post(url, {**values, "file": _scan()}).status_code == 404


def test_reminding_and_withdrawing_in_the_browser(client: Client, presented: SignatureRequest) -> None:
    remind, revoke = (
        reverse(f"contracts:signing_{act}", args=["contracts.quote", presented.subject_id])
        for act in ("remind", "revoke")
    )
    _as(client, "finance")
    assert client.post(remind).status_code == client.post(revoke).status_code == 403
    _as(client, "sales_agent")
    assert client.post(remind).status_code == 302
    assert client.post(remind).status_code == 409
    assert client.post(revoke).status_code == 302
    assert "withdrawn by" in client.get(_page(presented)).content.decode()
    assert client.post(remind).status_code == 404


def test_contract_pages(client: Client) -> None:
    contract = make.service_contract()
    _as(client, "sales_manager")
    page = client.get(reverse("contracts:contract", args=[contract.number]))
    assert page.status_code == 200
    for words in (
        contract.site.name,
        "99.9 % of every month",
        "Care around the clock",
        "at go-live",
        "Nothing is billed yet",
    ):
        assert words in page.content.decode()
    assert client.get(reverse("contracts:contract", args=[contract.parent.number])).status_code == 200
    tighten = reverse("contracts:contract_tighten", args=[contract.number])
    for value, words in (
        ("99.5", "promises less"),
        ("abc", "Type a number"),
        ("101", "between 90 and 100"),
        ("NaN", "number"),
    ):
        answer = client.post(tighten, {"metric": "availability", "value": value})
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert client.post(tighten, {"metric": "availability", "value": "99.95"}).status_code == 302
    assert "tightened here" in client.get(reverse("contracts:contract", args=[contract.number])).content.decode()
    _as(client, "sales_agent")
    assert client.post(tighten, {"metric": "availability", "value": "99.99"}).status_code == 403


def test_the_panel_of_an_account(client: Client) -> None:
    contract = make.service_contract()
    _as(client, "sales_agent")
    root = contract.account.root
    said = client.get(reverse("contracts:of_account", args=[root.pk])).content.decode()
    for number in (contract.parent.number, contract.quote.number, contract.agreement.number):
        assert number in said
    assert client.get(reverse("contracts:of_account", args=[987654])).status_code == 404


def test_found_by_number(client: Client) -> None:
    contract = make.service_contract()
    _as(client, "sales_agent")
    for number, url in (
        (contract.number, contract.get_absolute_url()),
        (contract.agreement.number, contract.agreement.get_absolute_url()),
    ):
        assert client.get(reverse("search"), {"q": number}).headers["Location"] == url
    assert contract.site.name in client.get(reverse("search"), {"q": contract.site.name}).content.decode()

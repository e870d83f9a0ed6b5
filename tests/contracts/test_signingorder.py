"""Several signatories: one after the other, each by a link of their own, all in one sealed file; merging keeps them."""

import io
import json
from pathlib import Path

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import DatabaseError, transaction

from contracts import presenting, signature, signingorder
from contracts.models import Contract, Quote, SignatureRequest
from contracts.signature import LinkClosed
from crm import merging
from crm.models import Contact
from tests.factories import contracts as make
from tests.factories.crm import AccountFactory, ContactFactory
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def _token(text: str) -> str:
    return text.split("/sign/")[1].split("/")[0].split()[0]


def _others(quote: Quote) -> list[object]:
    second = ContactFactory(
        account=quote.account, role=Contact.Role.SIGNATORY, email="second@customer.example", first_name="Second",
        last_name="Person",
    )  # fmt: skip
    boss = UserFactory(role="sales_manager", email="boss@provider.example", first_name="The", last_name="Boss")
    return [second, boss]


def _present(quote: Quote, then: list[object]) -> SignatureRequest:
    first = make.signatory(quote.account).pk
    return presenting.present(quote_id=quote.pk, contact_id=first, by=None, then=then)  # type: ignore[arg-type]


def _next(django_capture_on_commit_callbacks, made: SignatureRequest, name: str) -> str:  # type: ignore[no-untyped-def]
    """Sign; the secret of the next link, from its mail."""
    mail.outbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        make.sign(made, name)
    return _token(mail.outbox[-1].body) if mail.outbox else ""


def _refused(ours: SignatureRequest, name: str) -> None:
    """Nobody signs for us with a colleague's link, whatever they state."""
    with pytest.raises(signature.Unsigned, match="Only The Boss signs for us"):
        signature.sign(token=ours.token, name=name, consent=True, authority=True, address=None, agent="")


def test_each_signs_after_the_one_before_and_the_last_concludes(  # type: ignore[no-untyped-def]
    django_capture_on_commit_callbacks, tmp_path: Path
) -> None:
    first = _present(quote := make.approved_quote(sites=1), _others(quote))
    waiting = [str(one.who.email) for one in signingorder.waiting(quote)]
    assert waiting == ["second@customer.example", "boss@provider.example"]
    second = signature.find(token := _next(django_capture_on_commit_callbacks, first, "Julia Brandt"))
    second.token = token
    letter = mail.outbox[-1]
    assert (letter.to, "signed by Julia Brandt" in letter.body) == (["second@customer.example"], True)
    assert (Quote.objects.get(pk=quote.pk).state, Contract.objects.exists()) == ("presented", False)
    with pytest.raises(LinkClosed, match="signed already"):
        make.sign(first)
    third = signature.find(token := _next(django_capture_on_commit_callbacks, second, "Second Person"))
    third.token = token
    _refused(third, "A Deputy")
    assert (bool(third.person), Contract.objects.exists()) == (True, False)
    make.sign(third, "The Boss")
    signed = Quote.objects.get(pk=quote.pk)
    assert signed.state == "accepted"
    assert Contract.objects.get(kind="sales").contact == first.contact
    rows = signingorder.signed(signed)
    assert [(one.position, one.signed_name) for one in rows] == [
        (1, "Julia Brandt"), (2, "Second Person"), (3, "The Boss"),
    ]  # fmt: skip
    assert len({one.document_sha256 for one in rows}) == 1
    last = rows[-1].signed_document
    assert last
    pages = [len(make.pdf(one.signed_document).pages) - len(make.pdf(one.document).pages) for one in rows]  # type: ignore[arg-type]
    assert pages == [1, 2, 3]
    assert signingorder.newest_copy(rows[0]) == last
    with last.file.open("rb") as file:
        (tmp_path / "signed.pdf").write_bytes(file.read())
    out = io.StringIO()
    call_command("verify_signature", str(tmp_path / "signed.pdf"), "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert [(one["name"], one["for"], one["why"]) for one in told["signatures"]] == [
        ("Julia Brandt", "customer", ""), ("Second Person", "customer", ""), ("The Boss", "us", ""),
    ]  # fmt: skip
    assert (told["ok"], told["still_to_sign"]) == (True, 0)


def test_a_newer_link_and_a_no_let_the_others_go() -> None:
    quote = make.approved_quote(sites=1)
    others = _others(quote)
    first = _present(quote, others)
    again = _present(quote, others[:1])
    with pytest.raises(LinkClosed, match="newer link"):
        make.sign(first)
    assert signingorder.waiting(quote).count() == 1
    signature.decline(token=again.token, reason="Too dear")
    assert not signingorder.waiting(quote).exists()
    assert Quote.objects.get(pk=quote.pk).state == "declined"


def test_strangers_doubles_and_colleagues_without_the_right_are_refused() -> None:
    quote = make.approved_quote(sites=1)
    first = make.signatory(quote.account)
    stranger = ContactFactory(account=AccountFactory(), role=Contact.Role.SIGNATORY)
    for who, field in ((stranger, "contact"), (first, "then"), (UserFactory(role="technician"), "countersigner")):
        with pytest.raises(signature.Unfit) as refused:
            _present(quote, [who])
        assert set(refused.value.problems) == {field}
    assert not signingorder.waiting(quote).exists()


def test_customers_with_signed_deals_are_merged_and_the_evidence_stays() -> None:
    contract = make.live(sites=1)
    made = SignatureRequest.objects.filter(signed_at__isnull=False).order_by("-pk").first()
    assert made
    assert made.contact
    keep = AccountFactory(name="The same again", currency=contract.currency, kind=contract.account.kind)
    mine = ContactFactory(account=keep, email=made.contact.email, role=made.contact.role)
    names = ("signed_name", "signed_at", "document_sha256", "consent", "token_hash", "signed_document_id")
    before = [getattr(made, name) for name in names]
    merging.merge(keep_id=keep.pk, other_id=contract.account_id, by=None)
    after = SignatureRequest.objects.get(pk=made.pk)
    assert [getattr(after, name) for name in names] == before
    assert (after.account, after.contact) == (keep, mine)
    assert Contract.objects.get(pk=contract.pk).account == keep
    for change in ({"signed_name": "Else"}, {"account": contract.account_id, "consent": "No"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            SignatureRequest.objects.filter(pk=made.pk).update(**change)

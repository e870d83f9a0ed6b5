"""The own company: a signatory invites, changes roles and closes log-ins; never of another company, never their own."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from crm.models import Account, Contact
from kernel.models import AuditEntry, User
from tests.factories.crm import AccountFactory, ContactFactory

pytestmark = pytest.mark.django_db
COLLEAGUE = {"first_name": "Ada", "last_name": "Vos", "email": "ada@own.example", "job_title": "Buyer", "role": "buyer"}


def log_in(account: Account, role: str = "signatory") -> Contact:
    contact: Contact = ContactFactory(account=account, role=role, portal_access=True)
    return contact


@pytest.fixture
def own() -> Account:
    account: Account = AccountFactory()
    return account


@pytest.fixture
def signatory(own: Account, client: Client) -> Contact:
    contact = log_in(own)
    client.force_login(User.objects.get(pk=contact.user_id))
    return contact


def post(client: Client, name: str, contact: Contact, **data: str) -> int:
    return client.post(reverse(f"portal:{name}", args=[contact.pk]), data).status_code


def test_a_colleague_is_invited_and_sees_the_company(
    client: Client, own: Account, signatory: Contact, django_capture_on_commit_callbacks: object
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        answer = client.post(reverse("portal:invite"), COLLEAGUE | {"account": own.pk})

    assert answer.status_code == 302
    made = Contact.objects.get(email="ada@own.example")
    assert made.user is not None
    assert made.user.roles == {"customer"}
    assert [letter.to for letter in mail.outbox] == [["ada@own.example"]]
    assert list(Account.objects.visible_to(made.user)) == [own]
    assert AuditEntry.objects.filter(actor_id=signatory.user_id, action="portal access given").exists()
    page = client.get(reverse("portal:people")).content.decode()
    assert "Ada Vos" in page
    assert reverse("portal:person_out", args=[made.pk]) in page


def test_roles_change_and_log_ins_close(client: Client, own: Account, signatory: Contact) -> None:
    colleague, known = log_in(own, "buyer"), ContactFactory(account=own, role="technical")
    user = User.objects.get(pk=colleague.user_id)

    assert post(client, "person_role", colleague, role="billing") == 302
    assert post(client, "person_out", colleague) == 302
    assert post(client, "person_in", known) == 302

    assert Contact.objects.filter(pk=colleague.pk, role="billing", user=None).exists()
    assert not User.objects.get(pk=user.pk).is_active
    assert Contact.objects.filter(pk=known.pk, user__is_active=True).exists()


def test_what_is_refused(client: Client, own: Account, signatory: Contact) -> None:
    other = AccountFactory()
    strangers = log_in(other, "buyer")
    second = log_in(own)

    for name in ("person_role", "person_in", "person_out"):
        assert post(client, name, strangers, role="buyer") == 404
    assert post(client, "person_out", signatory) == 422
    assert post(client, "person_role", second, role="buyer") == 422
    assert post(client, "person_role", log_in(own, "buyer"), role="signatory") == 422
    assert client.post(reverse("portal:invite"), COLLEAGUE | {"account": other.pk}).status_code == 422
    signs = client.post(reverse("portal:invite"), COLLEAGUE | {"account": own.pk, "role": "signatory"})
    assert signs.status_code == 422
    taken = client.post(reverse("portal:invite"), COLLEAGUE | {"account": own.pk, "email": strangers.email})
    assert "Another contact already logs in with this address." in taken.content.decode()
    assert not Contact.objects.filter(email="ada@own.example").exists()


def test_who_does_not_sign_does_not_decide(client: Client, own: Account) -> None:
    buyer, other = log_in(own, "buyer"), log_in(own, "technical")
    client.force_login(User.objects.get(pk=buyer.user_id))

    assert "Invite a colleague" not in client.get(reverse("portal:people")).content.decode()
    assert client.get(reverse("portal:invite")).status_code == 403
    assert client.post(reverse("portal:invite"), COLLEAGUE | {"account": own.pk}).status_code == 403
    assert post(client, "person_out", other) == 403
    assert post(client, "person_in", other) == 403

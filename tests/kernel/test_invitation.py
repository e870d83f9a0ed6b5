"""Invitations: a link by mail with which somebody chooses the first password, once."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm import accounts
from kernel.models import User
from tests.factories.crm import ContactFactory

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def test_a_contact_let_in_chooses_a_password_and_logs_in(client: Client, mailoutbox: list[Any]) -> None:
    contact = ContactFactory(email="julia.brandt@customer.example")
    user = accounts.let_in(contact_id=contact.pk, by=None)
    (mail,) = mailoutbox
    assert mail.to == ["julia.brandt@customer.example"]
    found = re.search(r"https?://[^/]+(/password/\S+)", mail.body)
    assert found
    form = client.get(found.group(1), follow=True)
    chosen = {"new_password1": "a-long-new-word-9", "new_password2": "a-long-new-word-9"}
    client.post(form.redirect_chain[-1][0], chosen)
    typed = {"username": user.username, "password": "a-long-new-word-9"}
    assert client.post(reverse("login"), typed).status_code == 302
    again = client.get(found.group(1), follow=True)
    assert "new_password1" not in again.content.decode()


def test_whoever_has_a_password_is_not_mailed_again(mailoutbox: list[Any]) -> None:
    contact = ContactFactory()
    user = accounts.let_in(contact_id=contact.pk, by=None)
    known = User.objects.get(pk=user.pk)
    known.set_password("a-long-new-word-9")
    known.save()
    accounts.let_in(contact_id=contact.pk, by=None)
    assert len(mailoutbox) == 1

"""Merging contacts: two records of one person become one, seen beforehand."""

import pytest
from django.test import Client
from django.urls import reverse

from crm import contactmerging
from crm.merging import CannotMerge
from crm.models import Contact, Site
from kernel.models import AuditEntry
from kernel.refusal import Refusal
from tests.factories.crm import AccountFactory, ContactFactory, OpportunityFactory, SiteFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair() -> tuple[Contact, Contact]:
    """Ewa Novak twice: at the entity, and with another address at its child, where she is alone."""
    entity = AccountFactory(name="Havel Glass")
    keep = ContactFactory(account=entity, first_name="Ewa", last_name="Novak", email="ewa@havel.example", phone="")
    child = AccountFactory(parent=entity, name="Havel Polska")
    other = ContactFactory(
        account=child, first_name="Ewa", last_name="novak", email="e.novak@havel.example", phone="+48 1",
        portal_access=True,
    )  # fmt: skip
    return keep, other  # type: ignore[return-value]


def test_all_that_names_the_other_goes_over_after_a_preview(pair: tuple[Contact, Contact]) -> None:
    keep, other = pair
    deal = OpportunityFactory(account=keep.account, contact=other)
    SiteFactory(account=other.account, contact=other)
    found = contactmerging.preview(keep, other)
    assert {one.name for one in found.choices} == {"last_name", "email", "phone"}
    assert dict(found.moving) == {"sites": 1, "opportunitys": 1} or dict(found.moving) == {
        "sites": 1,
        "opportunities": 1,
    }
    assert not found.why_not
    assert any("Havel Polska then has no contact" in note for note in found.notes)
    assert any("uses the portal" in note for note in found.notes)
    log_in = other.user
    made = contactmerging.merge(keep_id=keep.pk, other_id=other.pk, by=None, take=["phone"])
    assert (made.email, made.phone, made.user, made.edition) == ("ewa@havel.example", "+48 1", log_in, keep.edition + 1)
    assert Site.objects.get().contact == made
    assert type(deal).objects.get(pk=deal.pk).contact == made
    assert not Contact.objects.filter(pk=other.pk).exists()
    assert AuditEntry.objects.filter(action="contacts merged").count() == 2


def test_two_customers_and_two_log_ins_are_refused(pair: tuple[Contact, Contact]) -> None:
    keep, other = pair
    stranger = ContactFactory(first_name="Ewa", last_name="Novak")
    with pytest.raises(CannotMerge, match="another customer"):
        contactmerging.merge(keep_id=keep.pk, other_id=stranger.pk, by=None)
    with pytest.raises(CannotMerge, match="with itself"):
        contactmerging.merge(keep_id=keep.pk, other_id=keep.pk, by=None)
    with pytest.raises(Refusal, match="nothing to choose about account"):
        contactmerging.merge(keep_id=keep.pk, other_id=other.pk, by=None, take=["account"])
    third = ContactFactory(account=keep.account, email="e.novak@havel.example")
    with pytest.raises(CannotMerge, match="third contact"):
        contactmerging.merge(keep_id=keep.pk, other_id=other.pk, by=None, take=["email"])
    Contact.objects.filter(pk=third.pk).update(user=UserFactory(role="customer"))
    with pytest.raises(CannotMerge, match="Both use the portal"):
        contactmerging.merge(keep_id=third.pk, other_id=other.pk, by=None)
    assert Contact.objects.filter(pk=other.pk).exists()


def test_a_sales_manager_merges_in_the_browser(pair: tuple[Contact, Contact]) -> None:
    keep, other = pair
    client = Client()
    client.force_login(UserFactory(role="sales_manager"))
    url = reverse("crm:contact_merge", args=[keep.pk])
    assert f"{url}?other={other.pk}" in client.get(reverse("crm:account_doubles")).text
    assert "Merge with another record" in client.get(keep.account.get_absolute_url()).text
    choose = client.get(url, {"q": "e.novak"})
    assert f"?other={other.pk}" in choose.text
    assert "No other contact" in client.get(url, {"q": "nobody"}).text
    compared = client.get(url, {"other": other.pk})
    assert "What goes over" in compared.text
    assert "Havel Polska" in compared.text
    done = client.post(url, {"other": other.pk, "phone": "other"})
    assert (done.status_code, done["Location"]) == (302, keep.account.get_absolute_url())
    assert client.get(url, {"other": other.pk}).status_code == 404
    client.force_login(UserFactory(role="sales_agent"))
    assert client.get(url).status_code == 403

"""Merging: two records of one customer become one, and nothing of either is lost."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from guardian.shortcuts import assign_perm

from crm import capture, merging
from crm.models import Account, Contact, Lead, Opportunity, Site
from crm.uniqueness import Duplicate
from kernel import documents
from kernel.lifecycle import IllegalMove
from kernel.models import Comment, OutboxEvent, User
from kernel.refusal import Conflict, Refusal
from tests.factories.crm import (
    AccountFactory,
    BillingProfileFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    SiteFactory,
)
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> User:
    return UserFactory(role="sales_manager")  # type: ignore[no-any-return]


def merged(keep: Account, other: Account, **more: Any) -> Account:
    merging.merge(keep_id=keep.pk, other_id=other.pk, by=None, **more)
    found: Account = Account.objects.get(pk=keep.pk)
    return found


def test_everything_of_the_other_goes_over(manager: User) -> None:
    keep, other = AccountFactory(name="Havel Glass"), AccountFactory(name="Havel Glass s.r.o.")
    child = AccountFactory(parent=AccountFactory(parent=other))
    SiteFactory(account=keep, code="PRG-1")
    SiteFactory(account=other, code="PRG-1")
    mine = ContactFactory(account=keep, email="ewa@havel.example")
    theirs = ContactFactory(account=other, email="ewa@havel.example", portal_access=True)
    deal = OpportunityFactory(account=other, contact=theirs)
    BillingProfileFactory(account=keep)
    BillingProfileFactory(account=other)
    Comment.objects.create(subject_type="crm.account", subject_id=other.pk, author=manager, text="Call on Mondays")
    for account in (keep, other):
        documents.store(account, kind="note", name="a.txt", content=b"x", content_type="text/plain", by=None)
    merged(keep, other)
    assert set(Site.objects.values_list("account", "code")) == {(keep.pk, "PRG-1"), (keep.pk, "PRG-1-2")}
    assert Contact.objects.get().user == theirs.user
    stored = Opportunity.objects.get(pk=deal.pk)
    assert (stored.account, stored.contact) == (keep, mine)
    assert sorted(keep.billing_profiles.values_list("is_default", flat=True)) == [False, True]
    assert Comment.objects.get().subject_id == keep.pk
    assert sorted(documents.of(keep).values_list("version", flat=True)) == [1, 2]
    moved = Account.objects.select_related("root", "parent__parent").get(pk=child.pk)
    assert (moved.root, moved.parent.parent) == (keep, keep)  # type: ignore[union-attr]
    assert moved.path == f"{keep.path}{moved.parent_id}/{moved.pk}/"
    event = OutboxEvent.objects.filter(kind__contains="AccountsMerged").get()
    assert event.payload == {"account_id": keep.pk, "merged_id": other.pk}


def test_who_could_see_the_other_in_the_portal_sees_the_one_that_stays() -> None:
    keep, other = AccountFactory(), AccountFactory()
    customer = UserFactory(role="customer")
    assign_perm("crm.access_account", customer, other)
    merged(keep, other)
    assert list(Account.objects.visible_to(User.objects.get(pk=customer.pk))) == [keep]


def test_columns_are_taken_from_the_other_as_chosen() -> None:
    keep = AccountFactory(name="Havel", vat_number="CZ1")
    other = AccountFactory(name="Havel Glass", registration="12345", vat_number="CZ2", credit_limit=500)
    shown = merging.preview(keep, other)
    assert {choice.name for choice in shown.choices} == {"name", "registration", "vat_number", "credit_limit"}
    after = merged(keep, other, take=["name", "registration", "credit_limit"])
    assert (after.name, after.registration, after.vat_number) == ("Havel Glass", "12345", "CZ1")
    assert after.credit_limit == Decimal(500)
    with pytest.raises(Duplicate):
        AccountFactory(registration="12345")
    with pytest.raises(Refusal, match="nothing to choose about path"):
        merging.merge(keep_id=keep.pk, other_id=AccountFactory().pk, by=None, take=["path"])


def test_what_cannot_be_one_is_refused_with_the_reason() -> None:
    keep = AccountFactory()
    below = AccountFactory(parent=keep)
    for other, sentence in (
        (below, "stands above"),
        (keep, "itself"),
        (AccountFactory(currency="CHF"), "kept in"),
        (AccountFactory(kind="consumer"), "the other a consumer"),
    ):
        with pytest.raises(merging.CannotMerge, match=sentence):
            merging.merge(keep_id=keep.pk, other_id=other.pk, by=None)
    gone = AccountFactory()
    merged(keep, gone)
    with pytest.raises(merging.CannotMerge, match="merged before"):
        merged(AccountFactory(), gone)


def test_a_tree_that_would_grow_too_deep_is_refused_and_stays_whole() -> None:
    keep, other = AccountFactory(), AccountFactory()
    for top in (keep, other):
        lowest = top
        for _ in range(4):
            lowest = AccountFactory(parent=lowest)
    deep_keep = Account.objects.under(keep).order_by("-path").first()
    deep_other = Account.objects.under(other).order_by("path")[1]
    with pytest.raises(merging.CannotMerge, match="deeper than"):
        merging.merge(keep_id=deep_keep.pk, other_id=deep_other.pk, by=None)
    assert Account.objects.under(other).count() == 5


def test_likely_pairs_are_found_and_can_be_told_apart(manager: User) -> None:
    first, second = AccountFactory(name="Kanaal Food B.V."), AccountFactory(name="KANAAL FOOD")
    third, fourth = AccountFactory(name="Alpen", vat_number="CH1"), AccountFactory(name="Rand", vat_number="CH1")
    for account in (first, third):
        ContactFactory(account=account, email="j@shared.example")
    AccountFactory(name="Kanaal Food", parent=first)  # below one of the two, of another kind
    found = [({one.pk, other.pk}, why) for one, other, why in merging.suspects(manager)]
    assert found == [
        ({third.pk, fourth.pk}, "same VAT number"),
        ({first.pk, second.pk}, "same name"),
        ({first.pk, third.pk}, "same contact j@shared.example"),
    ]
    merging.tell_apart(first_id=fourth.pk, second_id=third.pk, by=None)
    merging.tell_apart(first_id=fourth.pk, second_id=third.pk, by=None)
    merged(first, second)
    assert [why for *_, why in merging.suspects(manager)] == ["same contact j@shared.example"]


def test_a_manager_merges_in_the_browser_and_the_old_number_leads_to_the_new(manager: User) -> None:
    client = Client()
    client.force_login(manager)
    assert b"Nobody stands here twice" in client.get(reverse("crm:account_doubles")).content
    keep, other = AccountFactory(name="Havel Glass"), AccountFactory(name="Havel Glass a.s.", industry="Glass")
    AccountFactory(name="Havel Glass Trading GmbH")
    assert client.get(reverse("crm:account_doubles")).content.count(b"Compare") == 1
    url = reverse("crm:account_merge", args=[keep.number])
    assert other.number.encode() in client.get(url, {"q": "glass"}).content
    page = client.get(url, {"other": other.number}).content
    assert b"Industry" in page
    assert b"Merging cannot be undone" in page
    done = client.post(url, {"other": other.number, "industry": "other"}, follow=True)
    assert f"{other.number} is part of Havel Glass now." in done.content.decode()
    assert Account.objects.get(pk=keep.pk).industry == "Glass"
    led = client.get(other.get_absolute_url(), follow=True)
    assert led.redirect_chain[-1][0] == keep.get_absolute_url()
    assert other.number.encode() not in client.get(reverse("crm:account_list")).content.replace(b"was merged", b"")
    assert client.post(url, {"other": other.number}).status_code == 404


def test_merging_is_for_managers(seller: Client) -> None:
    keep = AccountFactory()
    assert seller.get(reverse("crm:account_merge", args=[keep.number])).status_code == 403
    assert seller.get(reverse("crm:account_doubles")).status_code == 403


def test_a_lead_takes_over_what_its_double_says(seller: Client) -> None:
    keep = LeadFactory(company="", need="One network")
    other = LeadFactory(company="Havel", need="Voice too", lines=[capture.Line(description="SIP", quantity=3)])
    done = seller.post(reverse("crm:lead_absorb", args=[keep.number]), {"other": other.number}, follow=True)
    assert f"{other.number} is put aside".encode() in done.content
    stored, aside = Lead.objects.get(pk=keep.pk), Lead.objects.get(pk=other.pk)
    assert (stored.company, stored.need) == ("Havel", "One network\n\nVoice too")
    assert [line.description for line in stored.lines.all()] == ["SIP"]
    assert (aside.state, aside.disqualified_because) == ("disqualified", f"Double of {keep.number}")


def test_a_converted_lead_takes_nothing_over_and_is_no_double() -> None:
    lead, converted = LeadFactory(), LeadFactory(state="converted")
    with pytest.raises(Conflict, match="takes over nothing"):
        capture.absorb(lead_id=converted.pk, other_id=lead.pk, by=None)
    with pytest.raises(IllegalMove):
        capture.absorb(lead_id=lead.pk, other_id=converted.pk, by=None)
    with pytest.raises(Conflict, match="itself"):
        capture.absorb(lead_id=lead.pk, other_id=lead.pk, by=None)

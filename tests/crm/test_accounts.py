"""Opening accounts, what belongs to them, and letting contacts into the portal."""

import pytest

from crm import accounts
from crm.models import Account, BillingProfile, Contact, Opportunity, Site
from crm.uniqueness import Duplicate
from kernel.models import User
from kernel.models.trail import AuditEntry
from kernel.refusal import Conflict, Refusal
from tests.factories.crm import AccountFactory, BillingProfileFactory, ContactFactory, OpportunityFactory, SiteFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def test_a_child_inherits_and_knows_its_way_to_the_root() -> None:
    mira = UserFactory(role="sales_agent")
    entity = AccountFactory(name="Meridor Logistics", segment="wholesale", tier="gold", currency="SEK", by=mira)
    child = accounts.open_account(name="Meridor Sverige", parent_id=entity.pk, by=mira)
    grandchild = accounts.open_account(name="Meridor Malmö", parent_id=child.pk, by=mira, tier="silver")
    assert (child.kind, child.segment, child.tier, child.currency) == ("child", "wholesale", "gold", "SEK")
    assert (grandchild.path, grandchild.root_id) == (f"/{entity.pk}/{child.pk}/{grandchild.pk}/", entity.pk)
    assert grandchild.tier == "silver"
    assert entity.owner == mira
    assert set(Account.objects.under(entity)) == {entity, child, grandchild}
    entry = AuditEntry.objects.get(subject_type="crm.account", subject_id=child.pk)
    assert (entry.actor, entry.action, entry.changes["name"]) == (mira, "opened", [None, "Meridor Sverige"])


def test_where_an_account_cannot_stand() -> None:
    with pytest.raises(accounts.Misplaced) as refused:
        accounts.open_account(name="Lost", kind="child", by=None)
    assert "parent" in refused.value.problems
    consumer = AccountFactory(kind="consumer")
    with pytest.raises(accounts.Misplaced, match="consumer has no child"):
        AccountFactory(parent=consumer)
    deep = AccountFactory()
    for _ in range(accounts.MAX_DEPTH - 1):
        deep = AccountFactory(parent=deep)
    with pytest.raises(accounts.Misplaced, match="at most 6 levels"):
        AccountFactory(parent=deep)


def test_one_legal_entity_per_register_number() -> None:
    AccountFactory(registration="KVK 24310889")
    with pytest.raises(Duplicate) as refused:
        AccountFactory(registration="KVK 24310889")
    assert list(refused.value.problems) == ["registration"]
    assert Account.objects.count() == 1


def test_portal_access_makes_a_customer_who_sees_this_tree_only() -> None:
    entity, other = AccountFactory(), AccountFactory()
    child = AccountFactory(parent=entity)
    SiteFactory(account=other)
    mine = SiteFactory(account=child)
    contact = ContactFactory(account=entity, first_name="Julia", last_name="Brandt", portal_access=True)
    julia = User.objects.get(pk=contact.user_id)
    assert (julia.username, julia.roles, julia.has_usable_password()) == ("julia.brandt", {"customer"}, False)
    assert set(Account.objects.visible_to(julia)) == {entity, child}
    assert list(Site.objects.visible_to(julia)) == [mine]
    assert accounts.let_in(contact_id=contact.pk, by=None) == julia
    assert User.objects.filter(email=contact.email).count() == 1


def test_a_contact_of_a_child_does_not_see_the_parent_or_a_sibling_whose_key_starts_alike() -> None:
    entity = AccountFactory()
    children = [AccountFactory(parent=entity) for _ in range(12)]
    julia = User.objects.get(pk=ContactFactory(account=children[0], portal_access=True).user_id)
    assert list(Account.objects.visible_to(julia)) == [children[0]]


def test_access_ends_with_the_log_in() -> None:
    contact = ContactFactory(portal_access=True)
    julia = User.objects.get(pk=contact.user_id)
    accounts.shut_out(contact_id=contact.pk, by=None)
    assert not User.objects.get(pk=julia.pk).is_active
    assert not Account.objects.visible_to(User.objects.get(pk=julia.pk)).exists()
    assert accounts.let_in(contact_id=contact.pk, by=None).is_active


def test_our_own_people_and_other_customers_log_ins_are_refused() -> None:
    ours = UserFactory(role="sales_agent")
    with pytest.raises(accounts.NoPortalAccess) as refused:
        ContactFactory(email=ours.email.upper(), portal_access=True)
    assert refused.value.problems["email"] == ["This address belongs to one of our own people."]
    taken = ContactFactory(portal_access=True)
    with pytest.raises(accounts.NoPortalAccess):
        ContactFactory(email=taken.email, portal_access=True)
    assert Contact.objects.count() == 1


def test_a_site_code_and_a_contacts_role_are_used_once_per_account() -> None:
    site = SiteFactory(code="RTM-1")
    with pytest.raises(Duplicate) as refused:
        SiteFactory(account=site.account, code="RTM-1")
    assert list(refused.value.problems) == ["code"]
    assert SiteFactory(code="RTM-1").code == "RTM-1"
    contact = ContactFactory()
    with pytest.raises(Duplicate) as refused:
        ContactFactory(account=contact.account, email=contact.email)
    assert list(refused.value.problems) == ["email"]


def test_a_new_default_billing_profile_takes_the_place_of_the_old() -> None:
    account = AccountFactory()
    first = BillingProfileFactory(account=account, is_default=False)
    assert first.is_default
    second = BillingProfileFactory(account=account, name="Projects")
    assert [p.pk for p in BillingProfile.objects.filter(account=account, is_default=True)] == [second.pk]
    assert BillingProfileFactory(account=account, name="Third", is_default=False).is_default is False
    with pytest.raises(Refusal) as refused:
        BillingProfileFactory(account=account, name="Dollars", currency="USD")
    assert list(refused.value.problems) == ["currency"]


def test_the_account_team_is_our_own_people() -> None:
    account, mira = AccountFactory(), UserFactory(role="sales_agent")
    assert str(accounts.add_team_member(account_id=account.pk, user_id=mira.pk, role="Sales", by=mira).user) == str(
        mira
    )
    julia = ContactFactory(portal_access=True).user_id
    with pytest.raises(Conflict, match="customer"):
        accounts.add_team_member(account_id=account.pk, user_id=julia, role="Sales", by=mira)


def test_gaps_name_what_each_member_of_the_tree_lacks(django_assert_num_queries: object) -> None:
    entity = AccountFactory(name="Meridor")
    north, south = AccountFactory(parent=entity, name="Meridor Nord"), AccountFactory(parent=entity, name="Meridor Süd")
    assert accounts.gaps(entity) == [
        "Meridor has no contact.",
        "Meridor Nord has no contact.",
        "Meridor Nord has no site.",
        "Meridor Süd has no contact.",
        "Meridor Süd has no site.",
        "Meridor has no site yet.",
    ]
    for account in (entity, north, south):
        ContactFactory(account=account)
    SiteFactory(account=north)
    assert accounts.gaps(south) == ["Meridor Süd has no site."]
    SiteFactory(account=south)
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert accounts.gaps(entity) == []


def test_rows_of_another_customer_are_not_visible() -> None:
    julia = User.objects.get(pk=ContactFactory(portal_access=True).user_id)
    opportunity, profile = OpportunityFactory(), BillingProfileFactory()
    assert opportunity not in Opportunity.objects.visible_to(julia)
    assert profile not in BillingProfile.objects.visible_to(julia)
    assert not Account.objects.visible_to(UserFactory()).exists()

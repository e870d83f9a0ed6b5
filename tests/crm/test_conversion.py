"""A qualified lead becomes account, contact and opportunity, in one step."""

import datetime as dt
from decimal import Decimal

import pytest

from catalog.models import Category, Offering, PriceEntry, PriceList
from crm import capture, conversion
from crm.conversion import Choices
from crm.models import Account, Contact, Lead, Opportunity
from kernel.lifecycle import IllegalMove
from kernel.models.outbox import OutboxEvent
from kernel.refusal import NotPermitted
from tests.factories.crm import AccountFactory, ContactFactory, LeadFactory, OpportunityFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def offering() -> Offering:
    shelf = Category.objects.create(key="access", name="Access")
    made = Offering.objects.create(key="sdwan-set", name="SD-WAN set", kind="bundle", category=shelf)
    prices = PriceList.objects.create(key="eur-list", name="EUR", valid_from=dt.date(2020, 1, 1))
    PriceEntry.objects.bulk_create(
        PriceEntry(price_list=prices, offering=made, charge=charge, amount=amount, label=label, is_cost=cost)
        for charge, amount, label, cost in (
            ("recurring", 180, "M", False), ("recurring", 95, "S", False), ("recurring", 20, "S", True),
            ("one_time", 250, "Set-up", False), ("usage", 1, "Minute", False),
        )
    )  # fmt: skip
    return made


def test_all_new_with_lines_and_list_prices(offering: Offering) -> None:
    mira = UserFactory(role="sales_agent")
    lines = [capture.Line(offering_id=offering.pk, quantity=12), capture.Line(description="Firewall, maybe")]
    lead = LeadFactory(state="qualified", company="Meridor Logistics", by=mira, lines=lines, phone="+31 10 123")
    opportunity = conversion.convert(lead_id=lead.pk, by=mira)
    assert (opportunity.account.name, opportunity.account.kind) == ("Meridor Logistics", "legal_entity")
    assert (opportunity.contact.email, opportunity.contact.phone) == (lead.email, "+31 10 123")
    assert opportunity.name == "Meridor Logistics: SD-WAN set, Firewall, maybe"
    assert (opportunity.stage.key, opportunity.state, opportunity.owner) == ("qualify", "open", mira)
    assert [
        (line.offering, line.description, line.quantity, line.monthly, line.one_time)
        for line in opportunity.lines.order_by("pk")
    ] == [
        (offering, "", 12, Decimal(95), Decimal(250)),
        (None, "Firewall, maybe", 1, Decimal(0), Decimal(0)),
    ]
    assert Opportunity.objects.get().monthly == Decimal(1140)
    closed = Lead.objects.get(pk=lead.pk)
    assert (closed.state, closed.converted_to) == ("converted", opportunity)
    event = OutboxEvent.objects.get(kind="crm.LeadConverted")
    assert event.payload == {
        "lead_id": lead.pk, "account_id": opportunity.account_id, "opportunity_id": opportunity.pk,
    }  # fmt: skip


def test_existing_account_contact_and_opportunity_are_used(offering: Offering) -> None:
    account = AccountFactory()
    contact = ContactFactory(account=AccountFactory(parent=account))
    standing = OpportunityFactory(account=account)
    lead = LeadFactory(state="qualified", lines=[capture.Line(offering_id=offering.pk)])
    choices = Choices(account_id=account.pk, contact_id=contact.pk, opportunity_id=standing.pk)
    assert conversion.convert(lead_id=lead.pk, by=None, choices=choices) == standing
    assert standing.lines.count() == 1
    assert (Account.objects.count(), Contact.objects.count(), Opportunity.objects.count()) == (2, 1, 1)


def test_the_same_person_at_an_existing_account_is_not_made_twice() -> None:
    account = AccountFactory()
    contact = ContactFactory(account=account, email="anna@prospect.example", role="buyer")
    lead = LeadFactory(state="qualified", email="Anna@prospect.example")
    opportunity = conversion.convert(lead_id=lead.pk, by=None, choices=Choices(account_id=account.pk))
    assert opportunity.contact == contact


def test_a_person_without_a_company_becomes_a_consumer() -> None:
    lead = LeadFactory(state="qualified", company="", first_name="Anna", last_name="Petersen")
    account = conversion.convert(lead_id=lead.pk, by=None).account
    assert (account.kind, account.name) == ("consumer", "Anna Petersen")


def test_choices_that_do_not_fit_are_refused_whole() -> None:
    account, stranger = AccountFactory(), ContactFactory()
    lost = OpportunityFactory(account=account)
    lead = LeadFactory(state="qualified")
    before = (Account.objects.count(), Contact.objects.count(), Opportunity.objects.count())
    for field, choices in (
        ("contact", Choices(account_id=account.pk, contact_id=stranger.pk)),
        ("contact", Choices(account_name="Brand new", contact_id=stranger.pk)),
        ("opportunity", Choices(account_id=stranger.account_id, opportunity_id=lost.pk)),
        ("account", Choices(account_id=10**9)),
    ):
        with pytest.raises(conversion.Unclear) as refused:
            conversion.convert(lead_id=lead.pk, by=None, choices=choices)
        assert list(refused.value.problems) == [field]
    assert (Account.objects.count(), Contact.objects.count(), Opportunity.objects.count()) == before
    assert Lead.objects.get(pk=lead.pk).state == "qualified"


@pytest.mark.parametrize("state", ["new", "nurturing", "disqualified", "converted"])
def test_only_a_qualified_lead_converts(state: str) -> None:
    lead = LeadFactory(state=state)
    accounts = Account.objects.count()
    with pytest.raises(IllegalMove):
        conversion.convert(lead_id=lead.pk, by=None)
    assert Account.objects.count() == accounts


def test_without_the_right_nothing_is_made() -> None:
    lead = LeadFactory(state="qualified")
    with pytest.raises(NotPermitted):
        conversion.convert(lead_id=lead.pk, by=UserFactory(role="finance"))
    assert not Account.objects.exists()

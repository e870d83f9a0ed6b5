"""What the home page and the search tell a seller."""

import datetime as dt

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from crm import attention, pipeline
from crm.models import Case
from kernel import finding
from kernel.models import User
from tests.factories.crm import (
    AccountFactory,
    CaseFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    SiteFactory,
)
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def test_what_needs_a_seller_is_theirs_and_still_open() -> None:
    mira, petra = UserFactory(role="sales_agent"), UserFactory(role="sales_manager")
    with time_machine.travel(timezone.now() - dt.timedelta(days=4), tick=False):
        LeadFactory(by=mira, first_name="Ewa", last_name="Kral", phone="+31 10 555 01")
    LeadFactory(by=mira, first_name="Jan", last_name="Smit")
    LeadFactory(by=mira, state="qualified", company="Havel Glass")
    LeadFactory(by=mira, state="disqualified")
    LeadFactory(by=petra)
    call, write, convert = attention.leads_to_do(mira)
    assert (write.text, write.word) == ("Write to Jan Smit", "Write")
    assert (call.text, call.tone, call.due) == ("Call Ewa Kral", "risk", "4 days ago")
    assert convert.text == "Convert Havel Glass"


def test_deals_are_called_for_when_late_or_without_a_next_step() -> None:
    mira, today = UserFactory(role="sales_agent"), timezone.localdate()
    late = OpportunityFactory(by=mira, close_on=today - dt.timedelta(days=2), next_step="Call")
    silent = OpportunityFactory(by=mira, close_on=today + dt.timedelta(days=9))
    OpportunityFactory(by=mira, close_on=today + dt.timedelta(days=9), next_step="Send quote")
    lost = OpportunityFactory(by=mira, close_on=today - dt.timedelta(days=2))
    pipeline.lose(opportunity_id=lost.pk, because="Price", by=mira)
    to_do = list(attention.deals_to_do(mira))
    assert [(a.number, a.tone) for a in to_do] == [(late.number, "bad"), (silent.number, "wait")]
    assert to_do[1].url == f"/opportunities/{silent.number}/edit/#id_next_step"
    assert next(a.text for a in attention.signatures(mira)) == late.name


def test_who_oversees_sales_is_called_for_the_late_ones_of_everybody() -> None:
    mira, petra = UserFactory(role="sales_agent"), UserFactory(role="sales_manager", first_name="Petra")
    late = OpportunityFactory(by=mira, close_on=timezone.localdate() - dt.timedelta(days=2), next_step="Call")
    with time_machine.travel(timezone.now() - dt.timedelta(days=4), tick=False):
        LeadFactory(by=mira, first_name="Ewa", last_name="Kral")
    LeadFactory(by=mira)
    (deal,) = attention.deals_to_do(petra)
    assert (deal.number, deal.detail) == (late.number, f"{late.account}, {late.stage}, {mira}")
    assert [action.text for action in attention.leads_to_do(petra)] == ["Nobody called Ewa Kral"]
    found = {figure.label: (figure.value, figure.note) for figure in attention.figures(petra)}
    assert found["Open deals"] == ("1", "in all")
    assert found["Open leads"] == ("2", "in all")
    assert not list(attention.deals_to_do(UserFactory(role="sales_agent")))


def test_a_case_over_its_time_says_so_and_its_severity_in_the_readers_language() -> None:
    clara = UserFactory(role="service_agent")
    case = CaseFactory()
    (fresh,) = attention.cases_to_do(clara)
    assert (fresh.tone, fresh.due_detail) == ("wait", "to be solved")
    Case.objects.filter(pk=case.pk).update(due_at=timezone.now() - dt.timedelta(minutes=5))
    with translation.override("de"):
        (late,) = attention.cases_to_do(clara)
    assert (late.tone, late.due_detail) == ("bad", "over its time")
    assert case.get_severity_display().lower() not in late.detail


def test_figures_count_what_is_open_and_likely() -> None:
    mira = UserFactory(role="sales_agent")
    deal = OpportunityFactory(by=mira)
    pipeline.add_line(opportunity_id=deal.pk, by=mira, description="SD-WAN", quantity=2, monthly=500)
    found = {figure.label: figure.value for figure in attention.figures(mira)}
    assert found["Open deals"] == "1"
    assert found["A month if all sign"] == "€\u00a01,000"
    assert found["Likely"] == "€\u00a0100"
    assert {figure.value for figure in attention.figures(UserFactory(role="sales_agent"))} == {"0", "€\u00a00"}


def found(by: User, text: str) -> dict[str, list[str]]:
    """What the search gives, by kind."""
    return {kind.name: [one.text for one in rows] for kind, rows in finding.find(by, text)}


def test_everything_is_found_by_whoever_may_see_it() -> None:
    mira = UserFactory(role="sales_agent")
    account = AccountFactory(name="Havel Glass")
    ContactFactory(account=account, first_name="Julia", last_name="Brandt", email="j.brandt@havel.cz")
    SiteFactory(account=account, name="Praha Vysočany", code="PRG-1")
    OpportunityFactory(account=account, name="Voice for Havel")
    LeadFactory(company="Havel Mills")
    assert found(mira, "avel") == {
        "Customers": ["Havel Glass"], "Opportunities": ["Voice for Havel"], "Leads": ["Havel Mills"],
    }  # fmt: skip
    assert found(mira, "julia bra") == {"Contacts": ["Julia Brandt"]}
    assert found(mira, "brandt@havel") == {"Contacts": ["Julia Brandt"]}
    assert found(mira, "praha") == {"Sites": ["Praha Vysočany"]}
    kinds = {kind.name for kind, _ in finding.find(UserFactory(role="technician"), "havel")}
    assert "Customers" in kinds
    assert not kinds & {"Leads", "Opportunities"}
    assert not finding.find(UserFactory(), "havel")


def test_the_administration_opens_for_every_record(client: Client) -> None:
    admin = UserFactory(is_staff=True, is_superuser=True)
    client.force_login(admin)
    lead, deal, site = LeadFactory(), OpportunityFactory(), SiteFactory()
    for name, record in (("lead", lead), ("opportunity", deal), ("site", site), ("account", site.account)):
        assert client.get(reverse(f"admin:crm_{name}_changelist"), {"q": "x"}).status_code == 200
        assert client.get(reverse(f"admin:crm_{name}_change", args=[record.pk])).status_code == 200
    for name in ("contact", "billingprofile", "stage"):
        assert client.get(reverse(f"admin:crm_{name}_changelist")).status_code == 200
        assert client.get(reverse(f"admin:crm_{name}_add")).status_code == 200

"""Capturing and correcting leads, and pointing out likely doubles."""

import pytest

from crm import capture
from crm.models import Lead, LeadLine
from kernel.editing import Changed
from kernel.models.trail import AuditEntry
from kernel.refusal import Conflict
from tests.factories.crm import AccountFactory, ContactFactory, LeadFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def test_a_lead_with_lines_is_kept_and_owned_by_whoever_captured_it() -> None:
    mira = UserFactory(role="sales_agent")
    lead = capture.capture(
        by=mira, company=" Meridor Logistics B.V. ", first_name="Julia", last_name="Brandt",
        email="Julia@Meridor.example", need="One network for twelve sites",
        lines=[capture.Line(description="SD-WAN", quantity=12)],
    )  # fmt: skip
    assert (lead.state, lead.owner, lead.company) == ("new", mira, "Meridor Logistics B.V.")
    assert lead.email == "julia@meridor.example"
    assert lead.number.startswith("LED")
    assert list(lead.lines.values_list("description", "quantity")) == [("SD-WAN", 12)]
    assert AuditEntry.objects.get(subject_type="crm.lead", subject_id=lead.pk).action == "captured"


def test_everything_that_is_missing_is_said_at_once_and_nothing_is_kept() -> None:
    with pytest.raises(capture.Unreachable) as refused:
        capture.capture(by=None, first_name="Julia", last_name=" ", email="", need="")
    assert set(refused.value.problems) == {"last_name", "email", "need"}
    with pytest.raises(capture.Unreachable, match="between 0 and 100"):
        LeadFactory(score=101)
    with pytest.raises(capture.Unreachable, match="Line 2"):
        LeadFactory(lines=[capture.Line(description="SD-WAN"), capture.Line()])
    with pytest.raises(capture.Unreachable, match="quantity"):
        LeadFactory(lines=[capture.Line(description="SD-WAN", quantity=0)])
    assert not Lead.objects.exists()


def test_doubles_are_found_in_accounts_contacts_and_leads() -> None:
    mira = UserFactory(role="sales_agent")
    account = AccountFactory(name="Meridor Logistics SE")
    contact = ContactFactory(account=account, email="julia@meridor.example")
    lead = LeadFactory(company="Meridor Logistics", email="other@meridor.example")
    found = capture.doubles(mira, company="meridor logistics b.v.", email="JULIA@meridor.example", last_name="x")
    assert [(d.kind, d.because) for d in found] == [
        ("contact", "same e-mail"), ("account", "similar name"), ("lead", "similar company"),
    ]  # fmt: skip
    assert found[0].pk == contact.account_id
    assert found[2].pk == lead.pk
    assert capture.doubles(mira, company="Me", email="j@") == []
    assert capture.doubles(mira, company="Havel Glass", email="info@havel.example") == []


def test_doubles_show_nothing_that_a_person_may_not_see(django_assert_num_queries: object) -> None:
    AccountFactory(name="Meridor Logistics SE")
    LeadFactory(company="Meridor Logistics")
    assert capture.doubles(UserFactory(), company="Meridor Logistics") == []
    mira = UserFactory(role="sales_agent")
    mira.has_perm("crm.view_lead")
    _ = mira.roles
    for _n in range(8):
        LeadFactory(company="Meridor Logistics")
    with django_assert_num_queries(3):  # type: ignore[operator]
        assert len(capture.doubles(mira, company="Meridor Logistics", email="a@meridor.example")) == capture.LIKELY


def test_a_correction_keeps_what_changed_and_says_so() -> None:
    lead = LeadFactory(need="Something")
    changed = capture.change(lead_id=lead.pk, edition=lead.edition, by=None, need="One network", score=70)
    assert (changed.need, changed.score, changed.edition) == ("One network", 70, 2)
    entry = AuditEntry.objects.filter(subject_type="crm.lead", action="edited").get()
    assert entry.changes == {"need": ["Something", "One network"], "score": [0, 70]}


def test_the_second_editor_is_told_what_differs() -> None:
    petra = UserFactory(role="sales_manager")
    lead = LeadFactory(need="Something", territory="North")
    capture.change(lead_id=lead.pk, edition=1, by=petra, need="Voice")
    with pytest.raises(Changed) as refused:
        capture.change(lead_id=lead.pk, edition=1, by=None, need="Internet", territory="North")
    (difference,) = refused.value.differences
    assert (difference.field, difference.stored, difference.typed) == ("need", "Voice", "Internet")
    assert (refused.value.who, refused.value.edition, refused.value.status) == (str(petra), 2, 409)
    assert capture.change(lead_id=lead.pk, edition=2, by=None, need="Internet").need == "Internet"


def test_lines_are_replaced_and_guarded_like_fields() -> None:
    lead = LeadFactory(lines=[capture.Line(description="SD-WAN", quantity=2)])
    capture.change(lead_id=lead.pk, edition=1, by=None, lines=[capture.Line(description="Firewall")])
    assert list(LeadLine.objects.values_list("description", flat=True)) == ["Firewall"]
    with pytest.raises(Changed):
        capture.change(lead_id=lead.pk, edition=1, by=None, lines=[capture.Line(description="Voice")])
    assert Lead.objects.get(pk=lead.pk).edition == 2


def test_a_converted_lead_no_longer_changes() -> None:
    lead = LeadFactory(state="converted")
    with pytest.raises(Conflict, match="converted"):
        capture.change(lead_id=lead.pk, edition=lead.edition, by=None, need="More")

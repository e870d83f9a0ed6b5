"""The screens of leads: list, form with its warning of doubles, record, conversion."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm import capture
from crm.models import Account, Lead, Opportunity
from tests.factories.crm import AccountFactory, ContactFactory, LeadFactory, OpportunityFactory, stages

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def typed(**changes: Any) -> dict[str, Any]:
    """A filled form of a lead with one line."""
    return {
        "company": "Havel Glass", "first_name": "Ewa", "last_name": "Kral", "email": "ewa@havel.example", "score": "40",
        "need": "One network", "source": "fair", "rating": "hot", "country": "CZ", "lines-TOTAL_FORMS": "2",
        "lines-INITIAL_FORMS": "0", "lines-0-description": "SD-WAN", "lines-0-quantity": "12", "lines-1-quantity": "1",
        **changes,
    }  # fmt: skip


def test_an_empty_list_says_what_it_is_for_and_what_to_do(seller: Client) -> None:
    page = seller.get(reverse("crm:lead_list"))
    assert page.status_code == 200
    assert b"No leads yet" in page.content
    assert reverse("crm:lead_new").encode() in page.content


def test_the_list_filters_and_searches(seller: Client) -> None:
    for company, state in (("Havel Glass", "new"), ("Norrland Energi", "disqualified")):
        LeadFactory(company=company, state=state)
    url = reverse("crm:lead_list")
    opened = seller.get(url, {"state": "open"}).content
    assert b"Havel Glass" in opened
    assert b"Norrland" not in opened
    assert b"Norrland" in seller.get(url, {"q": "norr"}).content
    assert seller.get(url, {"sort": "need"}).status_code == 400


@pytest.mark.slow
def test_the_list_takes_the_same_number_of_queries_at_10_and_100_rows(seller: Client) -> None:
    url, counts = reverse("crm:lead_list"), []
    seller.get(url)
    for rows in (10, 90):
        for _ in range(rows):
            LeadFactory()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert seller.get(url).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("role", ["technician", "customer", ""])
def test_leads_are_for_sales(at: Callable[[str], Client], role: str) -> None:
    lead = LeadFactory(state="qualified")
    client = at(role)
    for url in (
        reverse("crm:lead_list"), reverse("crm:lead_new"), reverse("crm:lead_doubles"),
        reverse("crm:lead", args=[lead.number]), reverse("crm:lead_edit", args=[lead.number]),
        reverse("crm:lead_convert", args=[lead.number]),
    ):  # fmt: skip
        assert client.get(url).status_code == 403
    assert client.post(reverse("crm:lead_convert", args=[lead.number])).status_code == 403
    assert not Account.objects.exists()


def test_a_stranger_is_sent_to_the_log_in(client: Client) -> None:
    assert client.get(reverse("crm:lead_list")).status_code == 302


def test_a_lead_is_captured_with_its_lines(seller: Client) -> None:
    answer = seller.post(reverse("crm:lead_new"), typed())
    lead = Lead.objects.get()
    assert answer.headers["Location"] == reverse("crm:lead", args=[lead.number])
    assert (lead.company, lead.rating, lead.country, lead.owner) == ("Havel Glass", "hot", "CZ", lead.owner)
    assert list(lead.lines.values_list("description", "quantity")) == [("SD-WAN", 12)]
    page = seller.get(answer.headers["Location"])
    assert b"SD-WAN" in page.content
    assert b"Contacted" in page.content


def test_wrong_input_keeps_what_was_typed_and_says_so_at_its_field(seller: Client) -> None:
    wrong = typed(email="no address", need="", score="101", country="XX", **{"lines-0-quantity": "0"})
    page = seller.post(reverse("crm:lead_new"), wrong)
    assert page.status_code == 422
    content = page.content.decode()
    for field in ("email", "need", "score", "country", "lines-0-quantity"):
        assert f'id="id_{field}_error"' in content, field
    assert 'value="Havel Glass"' in content
    assert 'value="no address"' in content
    assert not Lead.objects.exists()


@pytest.mark.parametrize("bad", ["x" * 200, "\x00", "<script>alert(1)</script>"])
def test_hostile_text_is_refused_or_shown_harmless(seller: Client, bad: str) -> None:
    page = seller.post(reverse("crm:lead_new"), typed(company=bad), follow=True)
    assert page.status_code in (200, 422)
    assert b"<script>alert" not in page.content


def test_a_crafted_count_of_lines_is_no_error(seller: Client) -> None:
    for count in ("-1", "x", "99999999", ""):
        assert seller.post(reverse("crm:lead_new"), typed(**{"lines-TOTAL_FORMS": count})).status_code in (302, 422)
        assert seller.get(reverse("crm:lead_line"), {"lines-TOTAL_FORMS": count}, headers=HTMX).status_code == 200


def test_one_more_line_carries_the_next_number(seller: Client) -> None:
    row = seller.get(reverse("crm:lead_line"), {"lines-TOTAL_FORMS": "2"}, headers=HTMX).content.decode()
    assert 'name="lines-2-offering"' in row
    assert 'value="3" hx-swap-oob="true"' in row


def test_doubles_appear_while_typing(seller: Client) -> None:
    account = AccountFactory(name="Havel Glass a.s.")
    found = seller.get(reverse("crm:lead_doubles"), {"company": "havel gl"}, headers=HTMX).content.decode()
    assert account.get_absolute_url() in found
    assert "similar name" in found
    assert "<html" not in found
    assert "appear here while you type" in seller.get(reverse("crm:lead_doubles"), {"company": "x"}).content.decode()


def test_a_second_editor_gets_409_with_the_difference_and_can_save_over(seller: Client) -> None:
    lead = LeadFactory(need="One network", first_name="Ewa", last_name="Kral", source="fair")
    url = reverse("crm:lead_edit", args=[lead.number])
    capture.change(lead_id=lead.pk, edition=1, by=None, need="Voice only")
    late = seller.post(url, typed(edition="1", need="Internet only"))
    content = late.content.decode()
    assert late.status_code == 409
    assert "Voice only" in content
    assert "Internet only</textarea>" in content.replace("\n", "")
    assert 'name="edition" value="2"' in content
    assert Lead.objects.get().need == "Voice only"
    assert seller.post(url, typed(edition="2", need="Internet only")).status_code == 302
    assert Lead.objects.get().need == "Internet only"


def test_an_illegal_move_by_a_crafted_post_is_409(seller: Client, at: Callable[[str], Client]) -> None:
    lead = LeadFactory()
    url = reverse("move", args=["crm.lead", lead.pk])
    assert seller.post(url, {"move": "qualify"}).status_code == 409
    assert seller.post(url, {"move": "convert"}).status_code == 409
    assert seller.post(url, {"move": "delete"}).status_code == 409
    assert seller.post(url, {"move": "disqualify"}).status_code == 422
    assert at("finance").post(url, {"move": "contact"}).status_code == 404
    assert Lead.objects.get().state == "new"
    assert seller.post(url, {"move": "contact"}).status_code == 302
    assert seller.post(url, {"move": "disqualify", "reason": "No budget"}).status_code == 302
    assert Lead.objects.get().disqualified_because == "No budget"


def test_converting_shows_what_it_becomes_and_does_it_once(seller: Client) -> None:
    stages()
    lead = LeadFactory(company="Havel Glass", state="qualified", lines=[capture.Line(description="SD-WAN", quantity=3)])
    known = AccountFactory(name="Havel Glass a.s.")
    url = reverse("crm:lead_convert", args=[lead.number])
    page = seller.get(url).content.decode()
    assert "3 × SD-WAN" in page
    assert f'name="account" value="{known.pk}"' in page
    sent = {"account": "new", "account_name": "Havel Glass Praha", "contact": "new", "contact_role": "signatory",
            "opportunity": "new", "opportunity_name": "SD-WAN Praha", "close_on": "2027-02-01",
            "tier": "gold"}  # fmt: skip
    answer = seller.post(url, sent)
    made = Opportunity.objects.get()
    assert answer.headers["Location"] == made.get_absolute_url()
    assert (made.account.name, made.account.tier, made.contact.role) == ("Havel Glass Praha", "gold", "signatory")
    assert (made.name, str(made.close_on)) == ("SD-WAN Praha", "2027-02-01")
    again = seller.post(url, sent)
    assert again.headers["Location"] == made.get_absolute_url()
    assert Opportunity.objects.count() == 1


def test_choosing_a_customer_offers_its_contacts_and_deals(seller: Client) -> None:
    lead = LeadFactory(state="qualified")
    contact = ContactFactory()
    deal = OpportunityFactory(account=contact.account)
    url = reverse("crm:lead_convert", args=[lead.number])
    part = seller.get(url, {"account": str(contact.account_id), "account_name": "Typed"}, headers=HTMX).content.decode()
    assert "<html" not in part
    assert f'name="contact" value="{contact.pk}"' in part
    assert f'name="opportunity" value="{deal.pk}"' in part
    assert 'value="Typed"' in part
    sent = {"account": contact.account_id, "contact": contact.pk, "opportunity": deal.pk}
    assert seller.post(url, sent).headers["Location"] == deal.get_absolute_url()


@pytest.mark.parametrize(
    "sent", [{"account": "new", "account_name": ""}, {"account": "abc"}, {"account": "9" * 30}, {"account": "99999"},
             {"account": "new", "account_name": "X", "contact": "99999"}, {"account": "new", "close_on": "soon"}]
)  # fmt: skip
def test_choices_that_do_not_fit_are_422_and_nothing_is_made(seller: Client, sent: dict[str, str]) -> None:
    lead = LeadFactory(state="qualified")
    page = seller.post(
        reverse("crm:lead_convert", args=[lead.number]), {"contact": "new", "opportunity": "new", **sent}
    )
    assert page.status_code == 422
    assert not Account.objects.exists()


def test_a_lead_that_is_not_qualified_is_409(seller: Client) -> None:
    assert seller.get(reverse("crm:lead_convert", args=[LeadFactory().number])).status_code == 409


def test_a_converted_lead_points_at_its_opportunity(seller: Client) -> None:
    lead = LeadFactory(state="converted")
    opportunity = Lead.objects.select_related("converted_to").get(pk=lead.pk).converted_to
    assert opportunity is not None
    page = seller.get(reverse("crm:lead", args=[lead.number])).content.decode()
    assert opportunity.get_absolute_url() in page
    edit = reverse("crm:lead_edit", args=[lead.number])
    assert seller.get(edit).status_code == 409
    assert seller.post(edit, typed(edition="9")).status_code == 409


def test_fifty_lines_read_the_offerings_once(seller: Client) -> None:
    lead = LeadFactory(lines=[capture.Line(description=f"Line {n}") for n in range(49)])
    with CaptureQueriesContext(connection) as queries:
        assert seller.get(reverse("crm:lead_edit", args=[lead.number])).status_code == 200
    assert sum("catalog_offering" in query["sql"] for query in queries) == 1


def test_an_unknown_number_is_404(seller: Client) -> None:
    assert seller.get(reverse("crm:lead", args=["LED9999999"])).status_code == 404

"""The screens of opportunities: list, board, record."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm import pipeline
from crm.models import Opportunity, OpportunityLine
from tests.factories.crm import AccountFactory, ContactFactory, OpportunityFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def of(name: str, deal: Opportunity) -> str:
    return reverse(f"crm:{name}", args=[deal.number])


def test_list_and_board_when_there_is_nothing(seller: Client) -> None:
    assert b"No opportunities yet" in seller.get(reverse("crm:opportunity_list")).content
    assert b"No open opportunities" in seller.get(reverse("crm:opportunity_board")).content


@pytest.mark.slow
@pytest.mark.parametrize("name", ["crm:opportunity_list", "crm:opportunity_board"])
def test_the_same_number_of_queries_at_10_and_100_rows(seller: Client, name: str) -> None:
    account, counts = AccountFactory(), []
    seller.get(reverse(name))
    for rows in (10, 90):
        for _ in range(rows):
            OpportunityFactory(account=account)
        with CaptureQueriesContext(connection) as queries:
            assert seller.get(reverse(name)).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_board_shows_open_deals_by_stage_and_hides_the_rest(seller: Client) -> None:
    deal, closed = OpportunityFactory(name="SD-WAN for Havel"), OpportunityFactory(name="Lost to Nordtel")
    pipeline.move_stage(opportunity_id=deal.pk, stage_key="propose", by=None)
    pipeline.lose(opportunity_id=closed.pk, because="Price", by=None)
    page = seller.get(reverse("crm:opportunity_board")).content.decode()
    assert "SD-WAN for Havel" in page
    assert "Lost to Nordtel" not in page
    assert page.index('id="lane-propose"') < page.index("SD-WAN for Havel") < page.index('id="lane-negotiate"')
    part = seller.get(reverse("crm:opportunity_board"), {"q": "nothing like it"}, headers=HTMX).content.decode()
    assert "<html" not in part
    assert "Nothing in this stage" in part


def test_a_deal_moves_by_keyboard_through_a_plain_form(seller: Client) -> None:
    deal = OpportunityFactory()
    answer = seller.post(of("opportunity_move", deal), {"stage": "develop", "back": "board"})
    assert answer.headers["Location"] == reverse("crm:opportunity_board")
    assert Opportunity.objects.get().stage.key == "develop"


def test_closing_asks_for_the_reason_first(seller: Client) -> None:
    deal = OpportunityFactory()
    url = of("opportunity_move", deal)
    asked = seller.get(url, {"stage": "closed_lost"}, headers=HTMX)
    assert b"Mark as lost" in asked.content
    assert seller.post(url, {"stage": "closed_lost", "reason": " "}).status_code == 422
    assert Opportunity.objects.get().state == "open"
    done = seller.post(url, {"stage": "closed_lost", "reason": "Lead time"}, headers=HTMX)
    assert done.headers["HX-Redirect"] == deal.get_absolute_url()
    closed = Opportunity.objects.get()
    assert (closed.state, closed.reason) == ("lost", "Lead time")


def test_moves_that_do_not_exist(seller: Client, at: Callable[[str], Client]) -> None:
    deal = OpportunityFactory()
    url = of("opportunity_move", deal)
    assert seller.post(url, {"stage": "nowhere"}).status_code == 422
    pipeline.win(opportunity_id=deal.pk, because="Accepted", by=None)
    assert seller.post(url, {"stage": "closed_lost", "reason": "x"}).status_code == 409
    assert seller.post(url, {"stage": "develop", "reason": "On again"}).status_code == 403
    assert seller.post(reverse("move", args=["crm.opportunity", deal.pk]), {"move": "win"}).status_code == 409
    assert at("order_agent").post(url, {"stage": "develop", "reason": "x"}).status_code == 403
    assert Opportunity.objects.get().state == "won"
    assert at("sales_manager").post(url, {"stage": "develop", "reason": "On again"}).status_code == 302
    assert Opportunity.objects.get().stage.key == "develop"


@pytest.mark.parametrize("role", ["technician", "fallout_agent", "customer", ""])
def test_deals_are_not_for_everybody(at: Callable[[str], Client], role: str) -> None:
    deal = OpportunityFactory()
    for url in (reverse("crm:opportunity_list"), reverse("crm:opportunity_board"), deal.get_absolute_url()):
        assert at(role).get(url).status_code == 403


def test_who_may_look_but_not_move_reads_why(at: Callable[[str], Client]) -> None:
    page = at("finance").get(OpportunityFactory().get_absolute_url()).content.decode()
    assert "do not include the right to move opportunities" in page
    assert "Add line" not in page


def test_lines_are_added_and_removed_in_place(seller: Client) -> None:
    deal = OpportunityFactory()
    part = seller.post(
        of("opportunity_add_line", deal),
        {"description": "SD-WAN", "quantity": "3", "monthly": "95.50", "one_time": ""}, headers=HTMX,
    )  # fmt: skip
    assert part.status_code == 200
    assert b"SD-WAN" in part.content
    assert Opportunity.objects.get().monthly == 3 * OpportunityLine.objects.get().monthly
    wrong = seller.post(of("opportunity_add_line", deal), {"quantity": "2", "monthly": "-1"}, headers=HTMX)
    assert wrong.status_code == 422
    assert b'id="id_monthly_error"' in wrong.content
    line = OpportunityLine.objects.get()
    other = OpportunityFactory()
    assert seller.post(reverse("crm:opportunity_remove_line", args=[other.number, line.pk])).status_code == 404
    assert seller.post(reverse("crm:opportunity_remove_line", args=[deal.number, line.pk])).status_code == 302
    assert not OpportunityLine.objects.exists()


def test_a_closed_deals_lines_are_409(seller: Client) -> None:
    deal = OpportunityFactory()
    pipeline.lose(opportunity_id=deal.pk, because="Price", by=None)
    assert seller.post(of("opportunity_add_line", deal), {"description": "More"}).status_code == 409


def test_a_new_deal_asks_for_the_customer_first(seller: Client) -> None:
    account = AccountFactory(name="Havel Glass")
    url = reverse("crm:opportunity_new")
    assert b"Type a part of the name" in seller.get(url).content
    assert f"?account={account.number}".encode() in seller.get(url, {"q": "havel"}).content
    with_account = f"{url}?account={account.number}"
    assert seller.post(with_account, {"name": "", "close_on": "soon"}).status_code == 422
    stranger = ContactFactory()
    sent = {"name": "SD-WAN", "close_on": "2027-01-31"}
    assert seller.post(with_account, {**sent, "contact": stranger.pk}).status_code == 422
    assert seller.post(with_account, sent).headers["Location"] == Opportunity.objects.get().get_absolute_url()
    assert seller.get(url, {"account": "ACC9999999"}).status_code == 404


def test_a_second_editor_gets_409_and_keeps_what_was_typed(seller: Client) -> None:
    deal = OpportunityFactory(next_step="")
    url = of("opportunity_edit", deal)
    sent = {"name": deal.name, "close_on": "2027-03-31", "edition": "1"}
    assert seller.post(url, {**sent, "next_step": "Send quote"}).status_code == 302
    late = seller.post(url, {**sent, "next_step": "Call Julia"}, headers=HTMX)
    assert late.status_code == 409
    assert b'value="Call Julia"' in late.content
    assert b"Send quote" in late.content
    assert Opportunity.objects.get().next_step == "Send quote"

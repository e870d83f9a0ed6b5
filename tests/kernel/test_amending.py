"""Cells of lists that are changed in their place: the field, the act behind it, conflicts, rights, wrong input."""

import json
import re

import pytest
from django.test import Client

from crm import capture
from crm.models import Account, Lead, Opportunity
from kernel.models import User
from tests.factories.crm import AccountFactory, LeadFactory, OpportunityFactory
from tests.factories.lists import Table
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def mira() -> User:
    return UserFactory(role="sales_agent", first_name="Mira")


def test_a_cell_becomes_its_field_and_is_stored_by_the_act_of_the_record(mira: User) -> None:
    lead = LeadFactory(owner=mira, rating="warm", score=10)
    table = Table(mira)
    assert f'data-cell="{lead.pk}.rating"' in table.page
    field = table.open(lead, "rating").content.decode()
    assert '<option value="warm" selected>' in field
    assert f'name="edition" value="{lead.edition}"' in field
    answer = table.save(lead, "rating", "hot")
    assert answer.status_code == 200
    assert f'data-cell="{lead.pk}.rating"' in answer.content.decode()
    assert "Hot" in answer.content.decode()
    assert json.loads(answer["HX-Trigger"])["toast"]["text"].startswith("Rating of")
    assert (Lead.objects.get(pk=lead.pk).rating, Lead.objects.get(pk=lead.pk).edition) == ("hot", 2)
    table.save(Lead.objects.get(pk=lead.pk), "owner", "")
    assert Lead.objects.get(pk=lead.pk).owner is None


def test_a_wrong_value_is_said_at_the_field_and_what_was_typed_stays(mira: User) -> None:
    lead = LeadFactory(owner=mira, score=10)
    table = Table(mira)
    answer = table.save(lead, "score", "400")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'value="400"' in page
    assert 'aria-invalid="true"' in page
    assert "less than or equal to 100" in page
    assert table.save(lead, "source", "<script>").status_code == 422
    assert Lead.objects.get(pk=lead.pk).edition == 1


def test_a_second_editor_sees_the_others_value_and_may_still_save(mira: User) -> None:
    lead = LeadFactory(owner=mira, score=10)
    table = Table(mira)
    capture.change(lead_id=lead.pk, edition=1, by=UserFactory(first_name="Petra", last_name="Lang"), score=60)
    answer = table.save(lead, "score", "20", edition=1)
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Petra Lang changed this meanwhile. It is now “60”" in page
    assert 'value="20"' in page
    again = re.search(r'name="edition" value="(\d+)"', page)
    assert again
    assert table.save(lead, "score", "20", edition=int(again[1])).status_code == 200
    assert Lead.objects.get(pk=lead.pk).score == 20


def test_cells_are_offered_and_taken_only_where_they_may_be_changed(mira: User) -> None:
    lead, done = LeadFactory(owner=mira), LeadFactory(owner=mira, state="converted")
    table = Table(mira)
    assert f'data-cell="{done.pk}.' not in table.page
    assert table.open(done, "rating").status_code == 409
    assert table.save(done, "rating", "hot").status_code == 409
    for cell in (f"{lead.pk}.need", f"{lead.pk}.state", "x.rating", "", f"{lead.pk}"):
        assert table.client.get(f"{table.cells}&cell={cell}").status_code == 400
    assert table.client.get(f"{table.cells}&cell=999999.rating").status_code == 404
    assert table.client.get("/lists/cell/?slip=made-up&cell=1.rating").status_code == 400
    legal = Table(UserFactory(role="legal"), "/accounts/")
    assert not legal.cells
    stranger = Client(headers={"HX-Request": "true"})
    stranger.force_login(UserFactory(role="legal"))
    assert stranger.post(f"{table.cells}&cell={lead.pk}.rating", {"rating": "hot", "edition": "1"}).status_code == 403
    assert Lead.objects.get(pk=lead.pk).edition == 1


def test_dates_words_and_two_lines_of_other_lists(mira: User) -> None:
    deal = OpportunityFactory(owner=mira)
    table = Table(mira, "/opportunities/")
    assert 'type="date"' in table.open(deal, "close_on").content.decode()
    assert table.save(deal, "close_on", "2031-02-30").status_code == 422
    assert table.save(deal, "close_on", "2031-02-28").status_code == 200
    assert str(Opportunity.objects.get(pk=deal.pk).close_on) == "2031-02-28"
    account = AccountFactory()
    table = Table(mira, "/accounts/")
    assert "Gold" in table.save(account, "tier", "gold").content.decode()
    assert Account.objects.get(pk=account.pk).tier == "gold"

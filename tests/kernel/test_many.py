"""Many at once: previewed with reasons, frozen, done once, answered one by one."""

import re
from typing import Any

import pytest
from django.core.exceptions import BadRequest

from crm.models import Lead
from kernel import freezing, many
from kernel.models import AuditEntry, Many, User
from kernel.refusal import Conflict, NotPermitted, Refusal
from tests.factories.crm import LeadFactory
from tests.factories.lists import ListDesk
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
LIST = "/leads/"


@pytest.fixture
def mira() -> User:
    return UserFactory(role="sales_agent")


@pytest.fixture
def leads(mira: User) -> list[Lead]:
    return [LeadFactory(company=name, owner=mira, rating=rating) for name, rating in
            (("Alder", "hot"), ("Birch", "hot"), ("Cedar", "cold"))]  # fmt: skip


def test_a_list_offers_its_acts_to_who_may(mira: User, leads: list[Lead]) -> None:
    page = ListDesk(mira, LIST).page
    assert page.count('name="pick"') == 3
    assert "Give to" in page
    other = ListDesk(UserFactory(role="finance"), LIST)
    assert "Give to" not in other.page


def test_a_preview_says_whom_it_takes_and_whom_it_leaves_out_and_why(mira: User, leads: list[Lead]) -> None:
    desk = ListDesk(mira, LIST)
    desk.start("contact", leads[0])
    page = desk.preview("contact", *leads)
    assert "2 records are changed" in page
    assert re.search(r"1 left out</b>, contacted", page)
    assert "Contacted: 2" in page
    assert Lead.objects.filter(state="new").count() == 2  # nothing ran


def test_all_that_match_are_frozen_and_later_ones_stay_out(mira: User, leads: list[Lead]) -> None:
    desk = ListDesk(mira, f"{LIST}?rating=hot")
    page = desk.preview("contact", leads[0], scope="all")
    assert "All 2 that match" in page
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token
    late = LeadFactory(rating="hot")
    desk.client.post("/many/start/", {"token": token[1], "slip": desk.slip, "act": "contact"})
    assert list(Lead.objects.filter(state="contacted").order_by("pk")) == leads[:2]
    assert Lead.objects.get(pk=late.pk).state == "new"


def test_each_record_has_its_answer_and_its_trail_and_twice_is_once(mira: User, leads: list[Lead]) -> None:
    petra = UserFactory(role="sales_manager")
    desk = ListDesk(mira, LIST)
    preview = desk.preview("give", *leads)
    token = re.search(r'name="token" value="([^"]+)"', preview)
    assert token
    Lead.objects.filter(pk=leads[2].pk).update(owner=petra)
    for _ in range(2):
        answer = desk.client.post("/many/start/", {"token": token[1], "slip": desk.slip, "act": "give", "to": petra.pk})
        assert "3 done" in answer.content.decode()
    assert Many.objects.count() == 1
    assert set(Lead.objects.values_list("owner", flat=True)) == {petra.pk}
    assert AuditEntry.objects.filter(subject_type="crm.lead", changes__has_key="owner", actor=mira).count() == 2
    assert Many.objects.get().ended_at
    assert (
        "3 at once" in desk.client.get(f"/many/{Many.objects.get().pk}/", headers={"HX-Request": ""}).content.decode()
    )


def test_what_the_act_asks_is_refused_at_its_field_and_the_choice_is_kept(mira: User, leads: list[Lead]) -> None:
    desk = ListDesk(mira, LIST)
    answer = desk.begin("disqualify", *leads[:2], reason="  ")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Say why; every record keeps it." in page
    assert "Ticked on this page: 2" in page
    assert not Many.objects.exists()
    customer_of_nobody = UserFactory(role="technician")
    refused = desk.start("give", leads[0], to=customer_of_nobody.pk)
    assert "Choose somebody who sells." in refused


def test_one_refusal_stops_nobody_else(mira: User, leads: list[Lead]) -> None:
    desk = ListDesk(mira, LIST)
    page = desk.preview("disqualify", *leads)
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token
    desk.start("disqualify", leads[1], reason="wrong number")
    answer = desk.client.post(
        "/many/start/", {"token": token[1], "slip": desk.slip, "act": "disqualify", "reason": "fair"}
    )
    assert "2 done" in answer.content.decode()
    assert "is not possible from there" in answer.content.decode()


def test_what_was_made_up_is_refused(mira: User, leads: list[Lead]) -> None:
    desk = ListDesk(mira, LIST)
    with pytest.raises(BadRequest):
        many.preview("made-up", "give", picked=[leads[0].pk], everything=False, by=mira)
    with pytest.raises(BadRequest):
        many.preview(desk.slip, "delete", picked=[leads[0].pk], everything=False, by=mira)
    with pytest.raises(Refusal, match="Tick at least one"):
        many.preview(desk.slip, "give", picked=[], everything=False, by=mira)
    with pytest.raises(NotPermitted):
        many.preview(desk.slip, "give", picked=[leads[0].pk], everything=False, by=UserFactory(role="finance"))
    made = many.preview(desk.slip, "contact", picked=[leads[0].pk], everything=False, by=mira)
    with pytest.raises(Conflict, match="somebody else"):
        freezing.thaw(many.PREVIEW, made.token, UserFactory(role="sales_agent"))
    with pytest.raises(Conflict, match="too old"):
        freezing.thaw(many.PREVIEW, "made-up", mira)


def test_many_run_in_the_background_are_stopped_and_gone_on_with(mira: User, leads: list[Lead]) -> None:
    desk = ListDesk(mira, LIST)
    preview = many.preview(desk.slip, "contact", picked=[lead.pk for lead in leads], everything=False, by=mira)
    made = many.start(freezing.thaw(many.PREVIEW, preview.token, mira), {}, mira)
    assert many.work(made.pk, limit=1) == 1
    page = desk.client.get(f"/many/{made.pk}/").content.decode()
    assert "1 of 3" in page
    assert many.sweep() == 1
    other = ListDesk(UserFactory(role="sales_agent"), LIST)
    assert other.client.post(f"/many/{made.pk}/stop/").status_code == 404
    assert "2 left as they were" in desk.client.post(f"/many/{made.pk}/stop/").content.decode()
    assert many.work(made.pk) == 0
    assert Lead.objects.filter(state="contacted").count() == 1


def test_who_lost_the_right_meanwhile_does_nothing(mira: User, leads: list[Lead]) -> None:
    desk = ListDesk(mira, LIST)
    preview = many.preview(desk.slip, "contact", picked=[leads[0].pk], everything=False, by=mira)
    made = many.start(freezing.thaw(many.PREVIEW, preview.token, mira), {}, mira)
    mira.groups.clear()
    many.work(made.pk)
    assert made.items.get().answer == "refused"
    assert Lead.objects.filter(state="new").count() == 3


def test_the_number_of_queries_of_a_preview_does_not_grow(
    mira: User, leads: list[Lead], django_assert_max_num_queries: Any
) -> None:
    slip, keys = ListDesk(mira, LIST).slip, [LeadFactory().pk for _ in range(12)]
    many.preview(slip, "give", picked=keys[:1], everything=False, by=mira)
    with django_assert_max_num_queries(4):
        many.preview(slip, "give", picked=keys, everything=False, by=mira)

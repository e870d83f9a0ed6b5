"""Triage, routing, the clock and the runbook of a record."""

import datetime as dt
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fallout import causes, escalation, resolution, runbooks, triage
from fallout.models import Fallout, Runbook
from kernel import home, workhours
from kernel.models import BusinessCalendar, DecisionTable, Notification
from kernel.refusal import Conflict, NotPermitted, Refusal
from tests.factories import fallout as made
from tests.factories.crm import SiteFactory
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def agent() -> Any:
    return UserFactory(role="fallout_agent")


def again(record: Fallout) -> Fallout:
    return Fallout.objects.get(pk=record.pk)


def test_the_table_says_team_severity_hours_calendar_and_runbook() -> None:
    book = Runbook.objects.create(key="vlan", title="VLAN", text="- Look\n2. Take the next")
    DecisionTable.objects.create(
        key="fallout_routing", title="Who mends what", inputs=[{"name": "operation"}, {"name": "tier"}],
        outputs=[{"name": name} for name in ("severity", "runbook", "sla_hours", "calendar")],
        rows=[{"operation": "'port.create'", "severity": "'critical'", "runbook": "'vlan'", "sla_hours": "2",
               "calendar": "'24x7'"}],
    )  # fmt: skip
    BusinessCalendar.objects.create(name="Office", is_default=True)
    record = made.fallout()
    assert (record.severity, record.runbook, record.team) == ("critical", book, "IP Provisioning")
    assert abs(record.sla_due_at - timezone.now() - dt.timedelta(hours=2)) < dt.timedelta(minutes=1)
    assert book.steps == ["Look", "Take the next"]


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-11-20T14:00", 2, "2026-11-20T16:00"),  # a Friday, 15 to 17 o'clock there
        ("2026-11-20T15:00", 2, "2026-11-23T08:00"),
        ("2026-11-21T10:00", 9, "2026-11-23T16:00"),
        ("2026-11-20T15:30", 9.5, "2026-11-23T16:00"),
    ],
)
def test_only_working_hours_count(start: str, hours: float, due: str) -> None:
    BusinessCalendar.objects.create(name="Office", is_default=True)
    found = workhours.hours()
    begin, end = (dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC) for text in (start, due))
    assert found.add(begin, dt.timedelta(hours=hours)) == end
    assert found.between(begin, end) == dt.timedelta(hours=hours)
    assert workhours.hours("24x7").add(begin, dt.timedelta(hours=1)) == begin + dt.timedelta(hours=1)


def test_the_clock_stands_while_somebody_has_to_answer() -> None:
    record, person = made.fallout(), agent()
    resolution.await_information(fallout_id=record.pk, by=person, reason="The carrier looks into it")
    waiting = again(record)
    assert (waiting.state, waiting.owner) == ("awaiting_information", person)
    assert waiting.sla_left == pytest.approx(8 * 3600, abs=60)
    assert escalation.escalate_overdue(timezone.now() + dt.timedelta(days=3)) == 0
    resolution.resume(fallout_id=record.pk, by=person)
    assert again(record).sla_left is None
    assert abs(again(record).sla_due_at - timezone.now() - dt.timedelta(hours=8)) < dt.timedelta(minutes=1)


def test_causes_that_differ_in_numbers_only_are_one_group() -> None:
    same = [made.fallout(cause=f"VLAN {n} is used by svc-77{n} at “Site {n}”") for n in (12, 340)]
    assert same[0].fingerprint == same[1].fingerprint
    assert causes.plain("Order ORD0000123: 3 of 5 ports in 10.0.0.1/24 failed") == "Order …: … of … ports in … failed"
    assert causes.fingerprint("a.b", "x", "Used up") != causes.fingerprint("a.b", "y", "Used up")
    assert causes.fingerprint("a.b", "x", "Used up") != causes.fingerprint("a.c", "x", "Used up")


def test_a_record_is_classified_and_the_new_team_hears() -> None:
    record, member = made.fallout(), UserFactory(teams=["Voice"])
    triage.classify(fallout_id=record.pk, by=agent(), type="billing", severity="high", team="Voice")
    assert (again(record).type, again(record).severity, again(record).team) == ("billing", "high", "Voice")
    assert record.number in Notification.objects.get(user=member).text
    with pytest.raises(Refusal) as refused:
        triage.classify(fallout_id=record.pk, by=agent(), type="x", severity="y", team=" ")
    assert set(refused.value.problems) == {"type", "severity", "team"}
    with pytest.raises(NotPermitted):
        triage.classify(
            fallout_id=record.pk, by=UserFactory(role="order_manager"), type="data", severity="low", team="A"
        )


def test_escalating_tells_the_managers_and_is_a_step_more_severe(django_capture_on_commit_callbacks: Any) -> None:
    record, manager = made.fallout(), UserFactory(role="fallout_manager")
    with django_capture_on_commit_callbacks(execute=True):
        triage.escalate(fallout_id=record.pk, by=agent(), reason="The vendor must answer today")
    assert again(record).severity == "high"
    assert "The vendor must answer today" in Notification.objects.get(user=manager).text
    assert any(manager.email in message.to for message in mail.outbox)
    resolution.retry(fallout_id=record.pk, by=agent())
    with pytest.raises(Conflict):
        triage.escalate(fallout_id=record.pk, by=agent(), reason="Late")


def test_a_manager_is_told_at_home_of_what_nobody_has_in_any_team() -> None:
    record, manager = made.fallout(), UserFactory(role="fallout_manager")
    assert [(told.text, told.number, told.word) for told in home.actions_for(manager)] == [
        (record.cause, record.number, "Assign")
    ]
    assert not list(home.actions_for(agent()))
    resolution.take(fallout_id=record.pk, by=agent())
    assert not list(home.actions_for(manager))


def test_a_process_admin_writes_a_runbook_that_rules_name_and_throws_it_away_when_none_does(client: Client) -> None:
    client.force_login(UserFactory(role="process_admin"))
    begin = reverse("fallout:runbook_begin")
    refused = client.post(begin, {"title": "No stock", "key": "No Stock"})
    assert refused.status_code == 422
    assert all(said in refused.content.decode() for said in ("Small letters, digits", "Write what to do", "No Stock"))
    assert client.post(begin, {"title": "No stock", "text": "Order more."}).status_code == 302
    assert "is a runbook “no-stock” already" in client.post(begin, {"title": "No stock"}).content.decode()
    table = DecisionTable.objects.create(
        key="fallout_routing", title="Who mends what", inputs=[{"name": "code", "type": "text"}], version=1,
        outputs=[{"name": name, "type": "text"} for name in ("team", "runbook", "severity")],
        rows=[{"code": "'no_stock'", "runbook": "'no-stock'", "severity": "'low'"}],
    )  # fmt: skip
    page = reverse("fallout:runbook", args=["no-stock"])
    assert "“Who mends what”, version 1, names it in row 1." in client.get(page).content.decode()
    assert client.post(f"{page}discard/").status_code == 409
    client.post(reverse("decision_revise", args=[table.key, 1]))
    draft = DecisionTable.objects.get(key=table.key, version=2)
    cell = reverse("decision_cell", args=[table.key, 2])
    for name, typed, said in (
        ("runbook", "no-such", "There is no runbook “no-such”. There are no-stock."),
        ("team", "Nobodies", "Nobody is in a team “Nobodies”"), ("severity", "awful", "“awful” is none of"),
    ):  # fmt: skip
        answer = client.post(cell, {"row": draft.rows[0]["_id"], "name": name, "typed": typed})
        assert (answer.status_code, said in answer.content.decode()) == (422, True)
        assert f'value="{typed}"' in answer.content.decode()
    assert client.post(cell, {"row": draft.rows[0]["_id"], "name": "runbook", "typed": ""}).status_code == 200
    client.post(reverse("decision_publish", args=[table.key, 2]), {"valid_from": timezone.localdate().isoformat()})
    assert DecisionTable.objects.get(pk=draft.pk).state == "active"
    assert client.post(f"{page}discard/").status_code == 302
    assert not Runbook.objects.exists()


def test_a_runbook_written_for_a_cause_leads_all_its_records_to_it(client: Client) -> None:
    person, first, second = agent(), made.fallout(), made.fallout()
    client.force_login(person)
    assert client.post(reverse("fallout:runbook_new", args=[first.number]), {"title": ""}).status_code == 422
    sent = {"title": "VLAN in use", "text": "Look\nTake the next"}
    assert client.post(reverse("fallout:runbook_new", args=[first.number]), sent).status_code == 302
    book = Runbook.objects.get()
    assert again(second).runbook == made.fallout().runbook == book
    url = reverse("fallout:runbook", args=[book.key])
    assert "Take the next" in client.get(url).content.decode()
    assert client.post(url, sent | {"edition": "1", "text": "Look closer"}).status_code == 302
    late = client.post(url, sent | {"edition": "1", "text": "Look away"})
    assert late.status_code == 409
    assert "Look closer" in late.content.decode()
    assert "Look away" in late.content.decode()
    client.force_login(UserFactory(role="order_manager"))
    assert client.get(url).status_code == 200
    assert client.post(url, sent | {"edition": "2"}).status_code == 403
    assert "VLAN" in client.get(reverse("fallout:runbook_list")).content.decode()
    with pytest.raises(NotPermitted):
        runbooks.write_for(fallout_id=first.pk, by=UserFactory(role="order_manager"), title="x", text="y")


def test_the_overview_opens_the_list_behind_each_number(client: Client) -> None:
    site = SiteFactory()
    late, other = made.fallout(site), made.fallout(site, cause="No answer")
    Fallout.objects.filter(pk=late.pk).update(
        sla_due_at=timezone.now() - dt.timedelta(hours=1), created_at=timezone.now() - dt.timedelta(days=2)
    )
    resolution.retry(fallout_id=other.pk, by=agent())
    client.force_login(agent())
    assert client.get(reverse("fallout:overview")).status_code == 403
    client.force_login(UserFactory(role="fallout_manager"))
    page = client.get(reverse("fallout:overview"))
    figures = page.context["figures"]
    assert (figures["open"], figures["late"], figures["mended"]) == (1, 1, 1)
    assert [record.pk for record in page.context["breaches"]] == [late.pk]
    assert dict(page.context["teams"][0].ages) == {"day": 0, "days": 1, "week": 0, "older": 0}
    listing = reverse("fallout:fallout_every")
    for query, expected in (
        ({"standing": "open", "age": "days"}, [late.pk]), ({"due": "over"}, [late.pk]), ({"due": "paused"}, []),
        ({"mended": "7"}, [other.pk]), ({"cause": late.fingerprint}, [late.pk]), ({"resolution": "retry"}, [other.pk]),
    ):  # fmt: skip
        rows = client.get(listing, query).context["list"].page.rows
        assert [row.pk for row in rows] == expected, query


@pytest.mark.parametrize("name", ["fallout:overview", "fallout:fallout_every"])
def test_pages_ask_the_same_number_of_questions(client: Client, name: str, django_assert_max_num_queries: Any) -> None:
    site = SiteFactory()
    made.fallout(site)
    client.force_login(UserFactory(role="fallout_manager"))
    client.get(reverse(name))
    with django_assert_max_num_queries(30) as few:
        client.get(reverse(name))
    for _ in range(9):
        made.fallout(site)
    with django_assert_max_num_queries(len(few)):
        client.get(reverse(name))

"""Cases: reported, taken, worked on; on the screens and over TMF621."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm import casework
from crm.models import Case
from kernel import lifecycle, outbox
from kernel.models import AuditEntry, Delivery, User
from kernel.refusal import Conflict, NotPermitted, Refusal
from tests.api.published import require_published
from tests.crm.conftest import At
from tests.factories import cmdb as inventory
from tests.factories.apis import System
from tests.factories.crm import AccountFactory, ContactFactory, SiteFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
TICKETS = "troubleTicket/v4/troubleTicket"


def reported(by: User, **told: Any) -> Case:
    account = told.pop("account", None) or AccountFactory()
    return casework.report(account=account, by=by, **{"title": "No light", "description": "Since 9:00", **told})


def test_a_case_goes_from_the_report_to_its_end() -> None:
    agent = UserFactory(role="service_agent")
    case = casework.take(case_id=reported(agent, severity="critical").pk, by=agent)
    assert (case.state, case.owner) == ("in_progress", agent)
    assert (case.due_at - case.created_at).total_seconds() == pytest.approx(4 * 3600, abs=5)
    for name, because in (("wait", "Which port?"), ("resume", ""), ("resolve", "Port set up again"), ("reopen", "No")):
        casework.move(case_id=case.pk, name=name, by=agent, because=because)
    casework.move(case_id=case.pk, name="resolve", by=agent, because="New optics")
    done = casework.move(case_id=case.pk, name="close", by=agent)
    assert (done.state, done.solution, done.ended_at is not None) == ("closed", "New optics", True)
    with pytest.raises(lifecycle.IllegalMove):
        casework.move(case_id=case.pk, name="cancel", by=agent, because="No")
    with pytest.raises(Conflict):
        casework.change(case_id=case.pk, edition=done.edition, by=agent, title="Other")


def test_what_is_wrong_stands_at_its_field() -> None:
    agent, contact = UserFactory(role="service_agent"), ContactFactory()
    with pytest.raises(Refusal) as refused:
        reported(agent, title=" ", contact=contact, about="PRD9999999", severity="huge", kind="")
    assert set(refused.value.problems) == {"title", "contact", "about", "severity", "kind"}
    case = reported(agent)
    with pytest.raises(Refusal) as refused:
        casework.move(case_id=case.pk, name="reject", by=agent)
    assert set(refused.value.problems) == {"reason"}
    with pytest.raises(NotPermitted):
        reported(UserFactory(role="technician"))
    with pytest.raises(NotPermitted):
        casework.take(case_id=case.pk, by=UserFactory(role="sales_agent"))


def test_the_pages_show_report_change_and_take(client: Client) -> None:
    agent, account = UserFactory(role="service_agent"), AccountFactory()
    client.force_login(agent)
    assert b"No cases yet" in client.get(reverse("crm:case_list")).content
    form = {"title": "No light", "description": "Since 9:00", "kind": "fault", "severity": "major"}
    refused = client.post(reverse("crm:case_new"), form)
    assert refused.status_code == 422
    client.post(reverse("crm:case_new"), form | {"account": account.pk})
    case = Case.objects.get()
    page = reverse("crm:case", args=[case.number])
    assert b"Not solved yet" in client.get(page).content
    edit = reverse("crm:case_edit", args=[case.number])
    changed = client.post(edit, form | {"title": "No light at all", "edition": case.edition})
    assert changed.status_code == 302
    assert client.post(edit, form | {"title": "Else", "edition": case.edition}).status_code == 409
    client.post(reverse("crm:case_take", args=[case.number]))
    found = Case.objects.get()
    assert (found.title, found.owner, found.state) == ("No light at all", agent, "in_progress")
    moved = client.post(reverse("move", args=["crm.case", case.pk]), {"move": "hold", "reason": "Parts"})
    assert moved.status_code in (200, 204, 302)
    assert Case.objects.get().state == "held"
    assert client.get(f"{reverse('crm:case_list')}?state=open").content.count(b"No light at all") >= 1

    client.force_login(UserFactory(role="sales_agent"))
    assert client.get(page).status_code == 200
    assert client.get(edit).status_code == 403
    assert client.post(reverse("crm:case_take", args=[case.number])).status_code == 403


def body(account: Any, **more: Any) -> dict[str, Any]:
    party = {"id": account.number, "role": "customer", "@referredType": "Customer"}
    return {"description": "No light", "severity": "major", "ticketType": "fault", "relatedParty": [party], **more}


def test_who_resolves_is_asked_for_what_the_customer_reads(client: Client) -> None:
    agent = UserFactory(role="service_agent")
    case = casework.take(case_id=reported(agent).pk, by=agent)
    client.force_login(agent)
    page = client.get(case.get_absolute_url()).content.decode()
    assert "How was it solved?" in page
    assert "The customer reads it." in page
    assert "seen by those who work on it" not in page
    told = client.get(reverse("activity", args=["crm.case", case.pk])).content.decode()
    assert "Written down by us" in told  # and not the value that is stored
    state = client.get(reverse("presence", args=["crm.case", case.pk]), {"state": "acknowledged"}).content.decode()
    assert ("Meanwhile it is" in state, "In progress" in state) == (True, True)
    assert (
        "Meanwhile"
        not in client.get(reverse("presence", args=["crm.case", case.pk]), {"state": case.state}).content.decode()
    )


def test_a_customers_system_reports_follows_and_decides() -> None:
    product = inventory.product(SiteFactory(), active=True)
    account, agent = product.account, UserFactory(role="service_agent")
    system, stranger = System(account=account), System(account=AccountFactory())
    system.post("troubleTicket/v4/hub", {"callback": "https://93.184.216.34/"})
    about = [{"id": product.number, "role": "affected", "@referredType": "Product"}]
    made = system.post(TICKETS, body(account, externalId="T-1", relatedEntity=about, note=[{"text": "Call us"}]))
    assert made.status_code == 201, made.content
    shown = made.json()
    require_published("TMF621", "TroubleTicket", shown)
    assert (shown["status"], shown["priority"]) == ("acknowledged", "2")
    assert shown["relatedEntity"][0]["id"] == product.number
    assert stranger.get(made["Location"]).status_code == 404
    assert stranger.post(TICKETS, body(account)).status_code == 400
    assert stranger.post(TICKETS, body(AccountFactory(), relatedEntity=about)).status_code == 400

    case = Case.objects.get()
    casework.take(case_id=case.pk, by=agent)
    assert system.patch(made["Location"], {"status": "resolved", "statusChangeReason": "X"}).status_code == 403
    assert system.patch(made["Location"], {"status": "closed"}).status_code == 409
    assert system.patch(made["Location"], {"severity": "critical"}).json()["priority"] == "1"
    casework.move(case_id=case.pk, name="resolve", by=agent, because="New optics")
    back = system.patch(made["Location"], {"status": "inProgress", "statusChangeReason": "Still dark"})
    assert (back.status_code, back.json()["statusChangeReason"]) == (200, "Still dark")
    casework.move(case_id=case.pk, name="resolve", by=agent, because="New cable")
    closed = system.patch(made["Location"], {"status": "closed"})
    require_published("TMF621", "TroubleTicket", closed.json())
    assert closed.json()["note"][0]["text"] == "New cable"
    assert system.get(f"{TICKETS}?status=closed&externalId=T-1").json() == [closed.json()]
    outbox.drain()
    assert set(Delivery.objects.values_list("event_type", flat=True)) == {
        "TroubleTicketCreateEvent", "TroubleTicketStatusChangeEvent", "TroubleTicketAttributeValueChangeEvent",
    }  # fmt: skip
    assert AuditEntry.objects.filter(subject_type="crm.case", action="close", actor=None).exists()


@pytest.mark.parametrize(
    ("said", "status", "path"),
    [
        ({"severity": "huge"}, 400, "$.severity"),
        ({"severity": ""}, 400, "$.severity"),
        ({"ticketType": "chat"}, 400, "$.ticketType"),
        ({"ticketType": ""}, 400, "$.ticketType"),
        ({"description": ""}, 400, "$.description"),
        ({"status": "closed"}, 400, "$.status"),
        ({"relatedEntity": [{"id": "X-1", "role": "a", "@referredType": "B"}]}, 400, "$.relatedEntity[0].id"),
        ({"severity": None}, 400, "$.severity"),
    ],
)
def test_wrong_tickets_are_refused_at_their_place(said: dict[str, Any], status: int, path: str) -> None:
    refused = System().post(TICKETS, body(AccountFactory(), **said))
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (status, path)
    assert not Case.objects.exists()


def test_the_page_of_a_customer_shows_its_cases_and_those_below(at: At) -> None:
    agent, entity = UserFactory(role="service_agent"), AccountFactory(name="Meridor")
    done = reported(agent, account=entity, title="An old one")
    for name, because in (("start", ""), ("resolve", "New optics"), ("close", "")):
        casework.move(case_id=done.pk, name=name, by=agent, because=because)
    late = reported(agent, account=AccountFactory(parent=entity, name="Meridor Nord"), title="No light in Breda")
    client = at("service_agent")
    url = reverse("crm:cases_of_account", args=[entity.pk])
    assert url in client.get(entity.get_absolute_url()).content.decode()
    said = client.get(url).content.decode()
    assert said.index(late.number) < said.index(done.number)
    assert "1 of 2 open" in said
    assert "Meridor Nord" in said
    bare = reverse("crm:cases_of_account", args=[AccountFactory().pk])
    assert "Nothing reported" in client.get(bare).content.decode()
    assert at("").get(url).status_code == 403

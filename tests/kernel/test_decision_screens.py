"""Screens of decision tables: the list, the grid, test rows, trial, publishing, and who may."""

import datetime as dt
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from kernel import decisions, roles
from kernel.models import DecisionTable, User
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def client() -> Client:
    return browser(UserFactory(roles=["process_admin"]))


def browser(user: User) -> Client:
    found = Client()
    found.force_login(user)
    return found


def made(key: str = "t-screen", **values: Any) -> DecisionTable:
    return DecisionTable.objects.create(**{
        "key": key, "title": "Who does it", "inputs": [{"name": "speed", "label": "Speed", "type": "number"}],
        "outputs": [{"name": "team", "label": "Team", "type": "text"}],
        "rows": [{"speed": "> 100", "team": "'fast'"}, {"team": "'slow'"}], **values,
    })  # fmt: skip


def drafted(client: Client) -> DecisionTable:
    client.post(url(made(), "decision_revise"))
    return DecisionTable.objects.get(key="t-screen", version=2)


def url(table: DecisionTable, name: str = "decision_table", *more: str) -> str:
    return reverse(name, args=[table.key, table.version, *more])


def cell(client: Client, draft: DecisionTable, **values: str) -> Any:
    row = draft.rows[0]["_id"]
    return client.post(
        url(draft, "decision_cell"), {"row": row, "name": "speed", "was": "> 100"} | values, headers=HTMX
    )


def test_every_page_of_a_table_opens(client: Client) -> None:
    draft = drafted(client)
    names = ("", "_tests", "_trial", "_compare", "_versions", "_checks", "_publish", "_import", "_describe", "_export")
    for name in names:
        address = url(draft, f"decision{name or '_table'}")
        assert client.get(address).status_code == 200, address
    for side in ("in", "out"):
        assert client.get(url(draft, "decision_column", side)).status_code == 200
    assert client.get(url(draft, "decision_column", "up")).status_code == 404
    assert client.get(reverse("decision_table_latest", args=["t-screen"])).url.endswith("/1/")
    assert client.get(reverse("decision_table_latest", args=["t-none"])).status_code == 404
    assert client.get("/process/tables/t-screen/9/").status_code == 404


def test_the_list_says_state_use_and_test_result_in_as_many_queries_for_many_tables(client: Client) -> None:
    made("feasibility", tests=[{"_id": "a", "given": {"speed": "5"}, "expect": {"team": "fast"}}])
    counts = []
    for number in range(2):
        with CaptureQueriesContext(connection) as queries:
            said = client.get(reverse("decision_tables")).content.decode()
        counts.append(len(queries))
        for more in range(8):
            made(f"t-{number}-{more}")
    assert "Feasibility checks" in said
    assert "1 of 1 fail" in said
    assert counts[1] <= counts[0]


def test_a_cell_is_stored_or_refused_where_it_stands(client: Client) -> None:
    draft = drafted(client)
    refused = cell(client, draft, typed="fast")
    assert refused.status_code == 422
    assert 'value="fast"' in refused.content.decode()
    assert "is not a number" in refused.content.decode()
    kept = cell(client, draft, typed="10..20")
    assert (kept.status_code, kept["HX-Trigger"]) == (200, '{"table-changed": {}}')
    late = cell(client, draft, typed="> 300")
    assert late.status_code == 409
    assert "Somebody changed this cell to “10..20” meanwhile" in late.content.decode()
    assert DecisionTable.objects.get(pk=draft.pk).rows[0]["speed"] == "[10..20]"


def test_rows_and_columns_are_added_moved_and_removed(client: Client) -> None:
    draft = drafted(client)
    first = draft.rows[0]["_id"]
    for act in ("add", "copy", "down", "up", "remove"):
        answer = client.post(url(draft, "decision_row"), {"act": act, "row": first}, headers=HTMX)
        assert answer.status_code == 200, act
        assert 'id="grid"' in answer.content.decode()
    assert len(DecisionTable.objects.get(pk=draft.pk).rows) == 3
    assert client.post(url(draft, "decision_row"), {"act": "fly"}, headers=HTMX).status_code == 422
    column = {"name": "city", "label": "", "kind": "text", "values": "Breda\nZwolle"}
    assert client.post(url(draft, "decision_column", "in"), column, headers=HTMX).status_code == 200
    assert client.post(url(draft, "decision_column", "in"), column, headers=HTMX).status_code == 422
    gone = {**column, "old": "city", "remove": "1"}
    assert client.post(url(draft, "decision_column", "in"), gone, headers=HTMX).status_code == 200
    assert [c["name"] for c in DecisionTable.objects.get(pk=draft.pk).inputs] == ["speed"]


def test_a_failing_test_row_keeps_a_draft_from_being_published(client: Client) -> None:
    draft = drafted(client)
    client.post(url(draft, "decision_test_row"), {"act": "add"}, headers=HTMX)
    row = DecisionTable.objects.get(pk=draft.pk).tests[0]["_id"]
    for part, name, typed in (("given", "speed", "50"), ("expect", "team", "fast")):
        answer = client.post(
            url(draft, "decision_test_cell"), {"row": row, "part": part, "name": name, "typed": typed}, headers=HTMX
        )
    assert "expected fast, got slow" in answer.content.decode()
    today = timezone.localdate().isoformat()
    refused = client.post(url(draft, "decision_publish"), {"valid_from": today}, headers=HTMX)
    assert refused.status_code == 422
    assert "1 of 1 test rows fail" in refused.content.decode()
    assert client.post(url(draft, "decision_publish"), {"valid_from": ""}, headers=HTMX).status_code == 422
    client.post(url(draft, "decision_test_cell"), {"row": row, "part": "expect", "name": "team", "typed": "slow"})
    answer = client.post(url(draft, "decision_publish"), {"valid_from": today}, headers=HTMX)
    assert answer["HX-Redirect"] == url(draft)
    assert DecisionTable.objects.get(pk=draft.pk).state == "active"
    assert client.post(url(draft, "decision_publish"), {"valid_from": today}, headers=HTMX).status_code == 409


def test_facts_typed_by_hand_are_answered_with_the_row(client: Client) -> None:
    table = made()
    said = client.get(f"{url(table, 'decision_trial')}?in-speed=500&ask=1").content.decode()
    assert "Row</b> 1" in said or "Row 1" in said
    assert "is not a number" in client.get(f"{url(table, 'decision_trial')}?in-speed=x&ask=1").content.decode()


def test_rows_come_from_a_file_or_are_refused_with_their_place(client: Client) -> None:
    draft = drafted(client)
    bad = SimpleUploadedFile("rows.csv", b"speed,team\nfast,x\n")
    refused = client.post(url(draft, "decision_import"), {"file": bad}, headers=HTMX)
    assert refused.status_code == 422
    assert "Row 1, Speed" in refused.content.decode()
    good = SimpleUploadedFile("rows.csv", b"speed,team\n> 7,x\n")
    assert client.post(url(draft, "decision_import"), {"file": good}, headers=HTMX).status_code == 200
    assert DecisionTable.objects.get(pk=draft.pk).rows[0]["speed"] == "> 7"
    assert b"speed,team,why" in client.get(url(draft, "decision_export")).content


def test_an_export_runs_no_formula_and_comes_back(client: Client) -> None:
    draft = drafted(client)
    DecisionTable.objects.filter(pk=draft.pk).update(rows=[{"_id": "a", "team": "speed + 1", "_note": "=1+1"}])
    content = client.get(url(draft, "decision_export")).content
    assert b",'=speed + 1,'=1+1" in content
    file = SimpleUploadedFile("rows.csv", content)
    assert client.post(url(draft, "decision_import"), {"file": file}, headers=HTMX).status_code == 200
    row = DecisionTable.objects.get(pk=draft.pk).rows[0]
    assert (row["team"], row["_note"]) == ("speed + 1", "=1+1")


def test_a_new_table_is_made_and_a_draft_thrown_away(client: Client) -> None:
    page = reverse("decision_table_new")
    assert client.post(page, {"key": "No!", "title": "x", "hit": "first"}).status_code == 422
    assert client.post(page, {"key": "t-new", "title": "New", "hit": "unique"}).status_code == 302
    draft = DecisionTable.objects.get(key="t-new")
    assert (draft.state, draft.valid_from, decisions.reader("t-new")) == ("draft", None, None)
    assert client.post(url(draft, "decision_discard")).status_code == 302
    assert not DecisionTable.objects.filter(key="t-new").exists()
    kept = made()
    assert client.post(url(kept, "decision_discard")).status_code == 409
    assert client.post(url(kept, "decision_retire"), {"reason": "old"}).status_code == 302
    assert client.post(url(kept, "decision_retire")).status_code == 409


def test_a_table_that_is_asked_and_not_written_says_what_it_is_for_and_is_begun_from_there(client: Client) -> None:
    DecisionTable.objects.filter(key="fallout_routing").delete()
    assert 'href="/process/tables/fallout_routing/"' in client.get("/process/tables/").content.decode()
    page = client.get(reverse("decision_table_latest", args=["fallout_routing"]))
    begun = f"{reverse('decision_table_new')}?key=fallout_routing"
    assert page.status_code == 200
    assert "Which team mends a failure" in page.content.decode()
    assert begun in page.content.decode()
    assert client.get(begun).context["form"]["key"].value() == "fallout_routing"
    assert client.get(reverse("decision_table_latest", args=["of-nobody"])).status_code == 404


def test_the_home_of_a_process_admin_names_drafts_and_failing_tables(client: Client) -> None:
    drafted(client)
    made("t-bad", title="Wrong", tests=[{"_id": "a", "given": {"speed": "5"}, "expect": {"team": "fast"}}])
    said = client.get(reverse("home")).content.decode()
    assert "Publish Who does it, version 2" in said
    assert "Wrong fails its test rows" in said
    assert client.get(reverse("home_block", args=["unused_rows"])).status_code == 200


def test_only_process_admins_come_in(client: Client) -> None:
    draft = drafted(client)
    other = browser(UserFactory(roles=["order_agent"]))
    refused = other.get(reverse("decision_tables"))
    assert (refused.status_code, "the right “view decision tables”" in refused.content.decode()) == (403, True)
    assert roles.words("kernel.publish_decisiontable") == "publish and retire decision tables"
    for name in ("decision_table", "decision_tests", "decision_trial", "decision_export"):
        assert other.get(url(draft, name)).status_code == 403
    for name in ("decision_row", "decision_cell", "decision_publish", "decision_retire", "decision_discard"):
        assert other.post(url(draft, name), {"valid_from": dt.date(2030, 1, 1)}).status_code == 403
    assert Client().get(url(draft)).status_code == 302

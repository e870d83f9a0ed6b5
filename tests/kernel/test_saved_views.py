"""Lists as people keep them: columns, saved views, what is new, files written in the background."""

import datetime as dt
import io
from typing import Any

import openpyxl
import pytest
from django.core.exceptions import BadRequest
from django.test import Client
from django.utils import timezone

from crm.models import Lead
from kernel import exporting, listfile, savedviews
from kernel.models import AuditEntry, Export, Notification, SavedView, User
from kernel.refusal import NotPermitted, Refusal
from tests.factories.crm import LeadFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
LIST = "/leads/"
COLUMNS = "columns=title&columns=source"


@pytest.fixture
def mira() -> User:
    return UserFactory(role="sales_agent")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def opened(user: User, query: str = "") -> str:
    return client_of(user).get(f"{LIST}?{query}").content.decode()


def test_a_reader_chooses_columns_and_the_first_always_stays(mira: User) -> None:
    LeadFactory(company="Halden Retail", source="referral")
    page = opened(mira, "columns=source")
    assert "Halden Retail" in page
    assert 'aria-sort="descending"' not in page  # the list is sorted by a column that is not shown
    heads = page.split("<thead>")[1].split("</thead>")[0]
    assert heads.count("<th ") == 3  # with the box that ticks the page
    assert 'name="columns" value="source" checked' in page
    assert 'name="columns" value="rating">' in page


def test_an_unknown_column_is_refused(mira: User) -> None:
    assert client_of(mira).get(f"{LIST}?columns=password").status_code == 400


def test_a_view_keeps_filters_sort_and_columns_and_says_when_it_was_changed(mira: User) -> None:
    client = client_of(mira)
    query = f"state=open&sort=-score&{COLUMNS}&q=&after=x"
    answer = client.post("/views/new/", {"path": LIST, "query": query, "name": " My  open leads ", "shared": ""})
    view = SavedView.objects.get()
    assert answer.headers["Location"] == view.url
    assert (view.name, view.shared, view.query) == ("My open leads", False, f"{COLUMNS}&sort=-score&state=open")
    page = client.get(view.url).content.decode()
    assert "My open leads" in page
    assert "Back to the saved view" not in page
    changed = client.get(f"{view.url}&rating=hot").content.decode()
    assert "Back to the saved view" in changed
    client.post(f"/views/{view.pk}/keep/", {"query": f"{view.query}&rating=hot"})
    assert "rating=hot" in SavedView.objects.get().query
    assert AuditEntry.objects.filter(subject_type="kernel.savedview", action="change_view", actor=mira).exists()


def test_a_name_is_needed_and_taken_once(mira: User) -> None:
    client = client_of(mira)
    empty = client.post("/views/new/", {"path": LIST, "query": "", "name": " "}, headers={"HX-Request": "true"})
    assert empty.status_code == 422
    assert "Give the view a name." in empty.content.decode()
    for status in (302, 422):
        assert client.post("/views/new/", {"path": LIST, "query": "", "name": "Mine"}).status_code == status
    with pytest.raises(Refusal, match="too long"):
        savedviews.save(path=LIST, query="", name="x" * 61, shared=False, by=mira)


def test_views_are_private_until_shared_and_changed_by_their_owner_alone(mira: User) -> None:
    other = UserFactory(role="sales_agent")
    view = savedviews.save(path=LIST, query="rating=hot", name="Hot ones", shared=False, by=mira)
    assert "Hot ones" not in opened(other)
    assert client_of(other).post(f"/views/{view.pk}/delete/").status_code == 404
    savedviews.change(view_id=view.pk, by=mira, shared=True)
    assert "Hot ones" in opened(other, f"view={view.pk}&rating=hot")
    assert client_of(other).post(f"/views/{view.pk}/delete/").status_code == 403
    assert client_of(other).post(f"/views/{view.pk}/", {"name": "Stolen"}).status_code == 403
    assert client_of(mira).post(f"/views/{view.pk}/delete/").headers["Location"] == f"{LIST}?rating=hot"
    assert not SavedView.objects.exists()


def test_a_view_of_a_list_that_one_may_not_open_is_refused(mira: User) -> None:
    for path in ("/trail/", "/nowhere/", "https://elsewhere.example/"):
        with pytest.raises(NotPermitted):
            savedviews.save(path=path, query="", name="Trail", shared=False, by=mira)


def test_what_is_new_is_told_without_moving_a_row(mira: User) -> None:
    LeadFactory()
    newest = Lead.objects.latest("pk").pk
    client = client_of(mira)
    assert f"newer={newest}" in opened(mira)
    assert client.get(f"{LIST}?newer={newest}").status_code == 204
    LeadFactory(rating="hot"), LeadFactory(rating="cold")
    assert "2 new" in client.get(f"{LIST}?newer={newest}").content.decode()
    assert "1 new" in client.get(f"{LIST}?newer={newest}&rating=hot").content.decode()
    assert client.get(f"{LIST}?newer=-1").status_code == 400


def test_a_workbook_has_the_shown_columns_and_no_formula(mira: User) -> None:
    LeadFactory(company="=1+1", source="web")
    answer = client_of(mira).get(f"{LIST}?export=xlsx&{COLUMNS}")
    assert 'filename="leads.xlsx"' in answer["Content-Disposition"]
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0] == ("Lead", "Lead (second line)", "Source")
    assert rows[1][0].startswith("'=1+1")
    assert {cell.data_type for cell in sheet[2]} == {"s"}


class TestLongLists:
    """A file that is written in the background; a list of more than two rows counts as long here."""

    @pytest.fixture(autouse=True)
    def short(self, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Any) -> None:
        settings.MEDIA_ROOT = tmp_path
        monkeypatch.setattr(listfile, "AT_ONCE", 2)
        for name in ("Alder", "Birch", "Cedar"):
            LeadFactory(company=name, rating="hot")
        LeadFactory(company="Aspen", rating="cold")

    def slip(self, user: User, query: str = "") -> str:
        return opened(user, query).split('name="slip" value="')[1].split('"')[0]

    def test_it_is_asked_for_written_and_fetched_by_its_owner(self, mira: User) -> None:
        client = client_of(mira)
        assert client.get(f"{LIST}?export=csv").status_code == 422
        slip = self.slip(mira, "rating=hot&sort=-title&columns=title")
        for _ in range(2):
            assert client.post("/exports/new/", {"slip": slip, "form": "csv"}).status_code == 302
        export = Export.objects.get()
        assert "being written" in client.get("/exports/").content.decode()
        assert exporting.write(export.pk)
        assert not exporting.write(export.pk)
        content = client.get(f"/exports/{export.pk}/").content.decode("utf-8-sig")
        assert [line.split(",")[0] for line in content.splitlines()[1:]] == ["Cedar", "Birch", "Alder"]
        assert Notification.objects.filter(user=mira, text__contains="3 rows").exists()
        assert client_of(UserFactory(role="sales_agent")).get(f"/exports/{export.pk}/").status_code == 404

    def test_who_lost_the_right_gets_no_file(self, mira: User) -> None:
        made = exporting.ask(self.slip(mira), "xlsx", mira)
        mira.groups.clear()
        exporting.write(made.pk)
        again = Export.objects.get()
        assert again.trouble == "You may not open this list any more."
        assert not again.file

    def test_a_made_up_slip_and_form_are_refused(self, mira: User) -> None:
        with pytest.raises(BadRequest):
            exporting.ask("made-up", "csv", mira)
        with pytest.raises(BadRequest):
            exporting.ask(self.slip(mira), "exe", mira)

    def test_a_file_can_be_stopped_and_is_forgotten_after_a_week(
        self, mira: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listfile, "CHUNK", 1)
        made = exporting.ask(self.slip(mira), "csv", mira)
        assert client_of(mira).post(f"/exports/{made.pk}/stop/").status_code == 302
        exporting.write(made.pk)
        assert Export.objects.get().trouble == "Stopped by you."
        assert exporting.sweep() == 0
        Export.objects.update(ended_at=timezone.now() - dt.timedelta(days=8))
        assert exporting.forget() == 1

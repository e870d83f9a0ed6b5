"""Files of lists that are edited and given back: what would change, what is refused, what is stored, and undone."""

import csv
import io
import re
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from catalog import drafting
from catalog.models import Offering
from crm import capture
from crm.models import Account, Case, Contact, Lead, Site
from kernel.models import AuditEntry, Many, ReturnedFile, User
from tests.factories import catalog as shelves
from tests.factories.crm import AccountFactory, CaseFactory, ContactFactory, LeadFactory, SiteFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
LEADS, ACCOUNTS = "/leads/", "/accounts/"
FORMULAS = ["=1+1", "+31 20 555", "-5", "@SUM(A1)", "'=quoted", "| pipe", "  =led by spaces", "ordinary"]


class Desk:
    """A person who exports a list, edits the file and gives it back."""

    def __init__(self, user: User, path: str) -> None:
        self.client = Client()
        self.client.force_login(user)
        self.path = path
        self.page = self.client.get(path).content.decode()
        found = re.search(r"/lists/files/new/\?slip=([^\"]+)", self.page)
        self.slip = found[1] if found else ""

    def export(self) -> list[list[str]]:
        """The file to edit as rows of text."""
        answer: Any = self.client.get(self.path, {"export": "csv", "edit": "1"})
        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text)))

    def give(self, rows: list[list[Any]], name: str = "leads.csv") -> Any:
        """The answer to giving rows back as a file."""
        out = io.StringIO()
        csv.writer(out).writerows(rows)
        return self.send(out.getvalue().encode(), name)

    def send(self, content: bytes, name: str) -> Any:
        """The answer to sending a file."""
        file = SimpleUploadedFile(name, content)
        return self.client.post(reverse("returned_file_new"), {"slip": self.slip, "file": file})

    def look(self, rows: list[list[Any]]) -> tuple[ReturnedFile, str]:
        """What giving these rows back would do."""
        answer = self.give(rows)
        assert answer.status_code == 302, answer.content.decode()
        file = ReturnedFile.objects.latest("pk")
        return file, self.client.get(file.get_absolute_url()).content.decode()

    def store(self, file: ReturnedFile, page: str) -> Any:
        """The answer to storing what a page showed."""
        shown = re.search(r'name="shown" value="(\w+)"', page)
        return self.client.post(file.get_absolute_url(), {"act": "store", "shown": shown[1] if shown else ""})


@pytest.fixture
def mira() -> User:
    return UserFactory(role="sales_agent", first_name="Mira", last_name="Holt")


def column(rows: list[list[str]], name: str) -> int:
    return rows[0].index(name)


def test_an_unchanged_file_changes_nothing_whatever_a_spreadsheet_would_run(mira: User) -> None:
    """T19: what is made harmless on the way out is the same again on the way back, as CSV and as a workbook."""
    for at, text in enumerate(FORMULAS):
        LeadFactory(company=text, phone=text[:30], need=f"{text}\nand more", email=f"p{at}@one.example", owner=mira)
    desk = Desk(mira, LEADS)
    rows = desk.export()
    cells = [cell for row in rows[1:] for cell in row]
    assert not [cell for cell in cells if cell.lstrip(" ").startswith(("=", "+", "-", "@", "|", "%"))]
    file, page = desk.look(rows)
    assert file.mapping[:2] == ["key", "edition"]
    assert "Nothing would change" in page
    answer: Any = desk.client.get(LEADS, {"export": "xlsx", "edit": "1"})
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert all(cell.data_type != "f" for row in book.active.iter_rows() for cell in row)
    assert desk.send(answer.content, "leads.xlsx").status_code == 302
    back = ReturnedFile.objects.latest("pk")
    assert "Nothing would change" in desk.client.get(back.get_absolute_url()).content.decode()
    company = column(rows, "Company")
    for row, text in zip(
        sorted(rows[1:]), FORMULAS, strict=True
    ):  # and what is typed into such a cell is taken as it is
        row[company] = f"{row[company]} Ltd"
        assert row[company].removeprefix("'").removesuffix(" Ltd").strip() in (text.strip(), text.removeprefix("'"))
    file, page = desk.look([rows[0], *[row for row in rows[1:] if not row[company].startswith("=")]])
    desk.store(file, page)
    assert set(Lead.objects.values_list("company", flat=True)) >= {"=1+1 Ltd", "+31 20 555 Ltd", "ordinary Ltd"}


def test_a_file_changes_what_was_edited_by_the_act_of_each_record_and_can_be_undone(mira: User) -> None:
    other = UserFactory(role="sales_agent", first_name="Jonas", last_name="Weiss")
    first, second, third = [LeadFactory(company=name, owner=mira, score=10) for name in ("Alder", "Birch", "Cedar")]
    desk = Desk(mira, LEADS)
    assert "To edit and give back" in desk.page
    rows = desk.export()
    by_key = {row[0]: row for row in rows}
    rating, score, owner = (column(rows, name) for name in ("Rating", "Score", "Owner"))
    by_key[first.number][rating], by_key[first.number][score] = "cold", "85"
    by_key[second.number][owner] = other.get_full_name()
    file, page = desk.look([rows[0], by_key[second.number], by_key[first.number], by_key[third.number]])
    assert "2 records would change" in page
    assert re.search(r'class="was">10</span>.*class="becomes">85<', page)
    assert Lead.objects.get(pk=first.pk).score == 10  # only looked at
    assert desk.store(file, page).status_code == 302
    assert desk.store(file, page).status_code == 409  # pressed twice, stored once
    first, second = Lead.objects.get(pk=first.pk), Lead.objects.get(pk=second.pk)
    assert (first.score, first.rating, first.edition, second.owner) == (85, "cold", 2, other)
    assert Lead.objects.get(pk=third.pk).edition == 1
    entry = AuditEntry.objects.filter(subject_type="crm.lead", subject_id=first.pk).latest("id")
    assert (entry.actor, entry.changes["score"]) == (mira, [10, 85])
    assert "Undo these changes" in desk.client.get(file.get_absolute_url()).content.decode()
    capture.change(lead_id=second.pk, edition=2, by=other, need="Something else")
    undo = reverse("returned_file_undo", args=[file.pk])
    assert desk.client.post(undo).status_code == 302
    first, second = Lead.objects.get(pk=first.pk), Lead.objects.get(pk=second.pk)
    assert (first.score, first.rating, second.owner) == (10, "warm", other)  # what was changed again since stays
    answers = Many.objects.latest("pk").items
    assert answers.get(subject_id=second.pk).why.startswith("Jonas Weiss changed this meanwhile")
    assert desk.client.post(undo).status_code == 409


def test_rows_that_will_not_do_are_said_and_come_back_as_a_file(mira: User) -> None:
    good, stale, wrong = [LeadFactory(company=name, owner=mira) for name in ("Alder", "Birch", "Dogwood")]
    done = LeadFactory(company="Cedar", state="converted")
    desk = Desk(mira, LEADS)
    rows = desk.export()
    by_key = {row[0]: row for row in rows}
    score, company, email = (column(rows, name) for name in ("Score", "Company", "E-mail"))
    for lead in (good, stale, done):
        by_key[lead.number][score] = "77"
    by_key[wrong.number][score], by_key[wrong.number][email] = "many", "=HYPERLINK(1)"
    by_key[good.number][company] = "Alder & Sons"
    capture.change(lead_id=stale.pk, edition=1, by=UserFactory(first_name="Petra", last_name="Lang"), score=50)
    twice, unknown = list(by_key[good.number]), ["LED9999999", "1", *by_key[good.number][2:]]
    file, page = desk.look([*rows, twice, unknown])
    assert "1 record would change" in page
    for told in (
        "Petra Lang changed this since the file was written", "This lead was converted", "Enter a whole number",
        "is a formula", f"is about {good.number} too", "There is nothing called LED9999999 that you see",
    ):  # fmt: skip
        assert told in page, told
    problems = desk.client.get(reverse("returned_file_problems", args=[file.pk])).content.decode("utf-8-sig")
    back = list(csv.reader(io.StringIO(problems)))
    assert back[0] == [*rows[0], "problems", "line"]
    assert {row[0] for row in back[1:]} == {stale.number, done.number, wrong.number, good.number, "LED9999999"}
    capture.change(lead_id=good.pk, edition=1, by=None, phone="1")  # after the preview
    assert desk.store(file, page).status_code == 422
    assert not Lead.objects.filter(score=77).exists()


def test_columns_are_told_by_their_headings_or_by_hand(mira: User) -> None:
    lead = LeadFactory(company="Alder", owner=mira, score=10)
    desk = Desk(mira, LEADS)
    ordinary: Any = desk.client.get(LEADS, {"export": "csv"})
    rows = list(csv.reader(io.StringIO(b"".join(ordinary.streaming_content).decode("utf-8-sig"))))
    file, page = desk.look(rows)
    assert file.mapping[rows[0].index("Lead (second line)")] == "key"
    assert "does not say which version" in page
    file, page = desk.look([["Which", "Points"], [lead.number, "90"]])
    assert "Say which column tells the records apart." in page
    desk.client.post(file.get_absolute_url(), {"act": "map", "to-0": "key", "to-1": "score"})
    page = desk.client.get(file.get_absolute_url()).content.decode()
    capture.change(lead_id=lead.pk, edition=1, by=None, phone="1")
    assert desk.store(file, page).status_code == 409  # not what the preview showed
    desk.store(file, desk.client.get(file.get_absolute_url()).content.decode())
    assert Lead.objects.get(pk=lead.pk).score == 90


def test_only_whoever_may_change_the_field_gets_or_gives_it(mira: User) -> None:
    account = AccountFactory(name="Alder", credit_limit=100)
    assert "Credit limit" not in Desk(mira, ACCOUNTS).export()[0]
    finance = Desk(UserFactory(role="finance"), ACCOUNTS)
    rows = finance.export()
    rows[1][column(rows, "Credit limit")] = "2,500.00"
    file, page = finance.look(rows)
    finance.store(file, page)
    assert Account.objects.get(pk=account.pk).credit_limit == 2500
    assert finance.client.get(reverse("returned_file", args=[file.pk])).status_code == 200
    stranger = Desk(UserFactory(role="legal"), ACCOUNTS)
    assert not stranger.slip
    assert stranger.client.get(ACCOUNTS, {"export": "csv", "edit": "1"}).status_code == 403
    assert stranger.client.get(reverse("returned_file_new"), {"slip": finance.slip}).status_code == 403
    assert stranger.client.get(reverse("returned_file", args=[file.pk])).status_code == 404
    assert stranger.client.get(reverse("returned_file_new"), {"slip": "made-up"}).status_code == 400
    seller = Desk(mira, ACCOUNTS)
    file, page = seller.look([["Number", "Credit limit"], [account.number, "9"]])
    assert "No column holds anything that can be changed here." in page


def test_sites_are_told_by_their_id_and_their_address_has_to_fit(mira: User) -> None:
    account = AccountFactory()
    site = SiteFactory(account=account, country="NL", postcode="3011 AA")
    desk = Desk(mira, reverse("crm:site_list", args=[account.number]))
    rows = desk.export()
    assert rows[0][:2] == ["Id", "Version"]
    rows[1][column(rows, "Postcode")] = "nonsense"
    file, page = desk.look(rows)
    assert "Rows to mend" in page
    rows[1][column(rows, "Postcode")], rows[1][column(rows, "Country")] = "10115", "DE"
    file, page = desk.look(rows)
    desk.store(file, page)
    site = Site.objects.get(pk=site.pk)
    assert (site.country, site.postcode, site.edition) == ("DE", "10115", 2)


def test_people_cases_and_drafts_of_offerings_come_back_too(mira: User) -> None:
    contact = ContactFactory(first_name="Ann", email="ann@one.example")
    table = Desk(mira, reverse("crm:contact_list", args=[contact.account.number]))
    rows = table.export()
    assert len(rows) == 2
    assert f">{contact}</a>" in table.page
    rows[1][column(rows, "Email")], rows[1][column(rows, "Role")] = "Ann.Bell@one.example", "technical"
    table.store(*table.look(rows))
    contact = Contact.objects.get(pk=contact.pk)
    assert (contact.email, contact.role, contact.edition) == ("ann.bell@one.example", "technical", 2)
    case = CaseFactory(account=contact.account, severity="minor")
    helper = Desk(UserFactory(role="service_agent"), "/cases/")
    rows = helper.export()
    rows[1][column(rows, "Severity")] = "Critical"
    helper.store(*helper.look(rows))
    changed = Case.objects.get(pk=case.pk)
    assert (changed.severity, changed.due_at < case.due_at) == ("critical", True)  # its own act sets the new time
    shelves.publish()
    draft = drafting.next_version(Offering, Offering.objects.filter(state="active").latest("pk").pk, by=None)
    keeper = Desk(UserFactory(role="product_manager"), "/catalogue/")
    rows = keeper.export()
    for row in rows[1:]:
        row[column(rows, "Description")] = "Said anew"
    file, page = keeper.look(rows)
    assert "1 record would change" in page
    assert "and stays as it is" in page
    keeper.store(file, page)
    assert list(Offering.objects.filter(description="Said anew")) == [draft]


def test_a_file_that_cannot_be_read_is_refused_at_its_field(mira: User) -> None:
    LeadFactory(owner=mira)
    desk = Desk(mira, LEADS)
    for content, name in (
        (b"", "a.csv"),
        (b"\x00\x01", "a.csv"),
        (b"PK\x03\x04rubbish", "a.xlsx"),
        (b"one,two\n", "a.csv"),
    ):
        assert desk.send(content, name).status_code == 422
    assert not ReturnedFile.objects.exists()

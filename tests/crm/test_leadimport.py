"""Importing leads from CSV: checked first, the good rows in at once, undone as a whole."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm import capture, leadimport, qualification
from crm.models import Lead, LeadImport
from kernel.models import User
from kernel.refusal import Conflict
from tests.factories.crm import AccountFactory, ContactFactory, LeadFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
HEAD = "company,last_name,email,need,rating,score,country,description,quantity"


@pytest.fixture
def agent() -> User:
    return UserFactory(role="sales_agent")  # type: ignore[no-any-return]


def lines(*rows: str) -> bytes:
    return "\n".join([HEAD, *rows]).encode()


def started(agent: User, *rows: str) -> LeadImport:
    return leadimport.start(lines(*rows), name="fair.csv", by=agent)


def test_good_rows_become_leads_with_their_lines(agent: User) -> None:
    made = started(
        agent, "Havel,Kral,EWA@havel.example,One network,hot,40,Czechia,SD-WAN,12", ",Nys,n@x.example,Web,,,,,"
    )
    leadimport.apply(import_id=made.pk, by=agent)
    first, second = Lead.objects.order_by("number")
    assert (first.email, first.rating, first.score, first.country) == ("ewa@havel.example", "hot", 40, "CZ")
    assert (first.owner, first.source, second.rating, second.title) == (agent, "web", "warm", "Nys")
    assert [(line.description, line.quantity) for line in first.lines.all()] == [("SD-WAN", 12)]
    assert not second.lines.exists()


def test_a_row_that_repeats_somebody_is_left_out_unless_wanted(agent: User) -> None:
    lead = LeadFactory(email="a@known.example")
    contact = ContactFactory(email="b@known.example")
    account = AccountFactory(name="Havel Glass, s.r.o.")
    rows = [f"X,Kral,{name}@known.example,Web,,,,," for name in "abc"]
    made = started(agent, *rows, "havel glass,Nys,n@x.example,Web,,,,,")
    found = leadimport.rows_of(made, agent).rows
    assert [row.verdict for row in found] == ["double", "double", "new", "double"]
    assert found[0].known_as == f"lead {lead.number}"
    assert found[1].known_as == f"contact of {contact.account}"
    assert found[3].known_as == f"customer {account.number}"
    leadimport.apply(import_id=made.pk, by=agent, doubles=True)
    assert Lead.objects.filter(came_with=made).count() == 4


@pytest.mark.parametrize(
    ("row", "column", "sentence"),
    [
        ("H,,e@x.example,Web,,,,,", "last_name", "is empty"),
        ("H,Kral,e@x,Web,,,,,", "email", "no e-mail address"),
        ("H,Kral,e@x.example,,,,,,", "need", "is empty"),
        ("H,Kral,e@x.example,Web,boiling,,,,", "rating", "use hot, warm, cold"),
        ("H,Kral,e@x.example,Web,,101,,,", "score", "from 0 to 100"),
        ("H,Kral,e@x.example,Web,,²,,,", "score", "whole number"),
        ("H,Kral,e@x.example,Web,,,Atlantis,,", "country", "no country"),
        ("H,Kral,e@x.example,Web,,,,SD-WAN,0", "quantity", "from 1 to 100,000"),
        ("=cmd|1,Kral,e@x.example,Web,,,,,", "company", "formula"),
        (f"{'H' * 121},Kral,e@x.example,Web,,,,,", "company", "at most 120"),
    ],
)
def test_a_bad_row_says_why_at_its_column(agent: User, row: str, column: str, sentence: str) -> None:
    (found,) = leadimport.read(lines(row), agent).of("bad")
    assert list(found.problems) == [column]
    assert sentence in found.problems[column][0]


def test_the_same_address_twice_in_a_file_is_refused(agent: User) -> None:
    rows = leadimport.read(lines("H,Kral,e@x.example,Web,,,,,", "H,Kral,E@x.example,Web,,,,,"), agent)
    assert [row.verdict for row in rows.rows] == ["new", "bad"]


def test_a_file_is_applied_once(agent: User) -> None:
    made = started(agent, "H,Kral,e@x.example,Web,,,,,")
    leadimport.apply(import_id=made.pk, by=agent)
    with pytest.raises(Conflict, match="already"):
        leadimport.apply(import_id=made.pk, by=agent, doubles=True)
    assert Lead.objects.count() == 1


def test_undoing_leaves_what_somebody_worked_on(agent: User) -> None:
    made = started(agent, *[f"H{n},Kral,e{n}@x.example,Web,,,,," for n in range(4)])
    leadimport.apply(import_id=made.pk, by=agent)
    spoken, changed, *_ = Lead.objects.order_by("pk")
    qualification.contact(lead_id=spoken.pk, by=agent)
    capture.change(lead_id=changed.pk, edition=1, by=agent, company="Havel")
    done = leadimport.undo(import_id=made.pk, by=agent)
    assert (done.removed, {lead.pk for lead in done.kept}) == (2, {spoken.pk, changed.pk})
    assert set(Lead.objects.values_list("pk", flat=True)) == {spoken.pk, changed.pk}
    with pytest.raises(Conflict, match="undone already"):
        leadimport.undo(import_id=made.pk, by=agent)


def test_what_was_not_imported_cannot_be_undone(agent: User) -> None:
    with pytest.raises(Conflict, match="nothing to undo"):
        leadimport.undo(import_id=started(agent, "H,Kral,e@x.example,Web,,,,,").pk, by=agent)


@pytest.mark.slow
def test_a_thousand_rows_take_as_many_statements_as_ten(agent: User) -> None:
    counts = []
    for size in (10, 1000):
        made = started(agent, *[f"H,Kral,{size}.{n}@x.example,Web,,,,SD-WAN,1" for n in range(size)])
        with CaptureQueriesContext(connection) as queries:
            leadimport.apply(import_id=made.pk, by=agent)
        counts.append(len(queries))
    assert counts[1] - counts[0] <= 2  # batches of 500


def test_from_the_file_to_the_list_and_back_in_the_browser(seller: Client) -> None:
    assert b"No file was imported yet" in seller.get(reverse("crm:lead_import_list")).content
    refused = seller.post(reverse("crm:lead_import"), {"file": SimpleUploadedFile("x.csv", b"a,b\n1,2")})
    assert refused.status_code == 422
    assert b"Missing columns: last_name, email, need." in refused.content
    sent = lines("Havel,Kral,e@x.example,Web,,,,,", "H,,bad,,,,,,")
    answer = seller.post(reverse("crm:lead_import"), {"file": SimpleUploadedFile("fair.csv", sent)}, follow=True)
    assert b"1 row needs mending" in answer.content
    page = answer.request["PATH_INFO"]
    mend = seller.get(f"{page}problems.csv").content.decode()
    assert "is empty" in mend
    done = seller.post(page, follow=True)
    assert b"1 lead added" in done.content
    assert seller.post(page).status_code == 409
    made = LeadImport.objects.get()
    assert b"Havel" in seller.get(reverse("crm:lead_list"), {"file": made.pk}).content
    assert b"No lead of this file is left" in seller.post(f"{page}undo/", follow=True).content
    assert not Lead.objects.exists()


def test_who_may_not_add_leads_may_not_import(client: Client) -> None:
    client.force_login(UserFactory(role="order_agent"))
    assert client.get(reverse("crm:lead_import")).status_code == 403
    assert client.get(reverse("crm:lead_import_list")).status_code == 403

"""Reports: who may see one, what its filters do, the list behind a number, its file, and what is sent by e-mail."""

import datetime as dt
import io
import zoneinfo
from importlib import import_module
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from crm.models import Case
from kernel import paper, reporting
from kernel.models import ReportMail, User
from kernel.refusal import NotPermitted, Refusal
from kernel.reporting import Asked, mailing, shelf
from kernel.reporting.medians import Percentile
from tests.factories.crm import CaseFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
PAGE = "/reports/cases-in-time/"
ZONE = zoneinfo.ZoneInfo("Europe/Amsterdam")
EVERY = sorted(shelf._reports)


@pytest.fixture
def agent() -> User:
    return UserFactory(role="service_agent")  # type: ignore[no-any-return]


@pytest.fixture
def solved(agent: User) -> list[Case]:
    """Two minor cases solved in time, after 10 and 30 hours, one too late after 50, and a major one that is open."""
    now = timezone.now()
    made = [CaseFactory(severity=severity) for severity in ("minor", "minor", "minor", "major")]
    for case, hours, left in zip(made, (10, 30, 50), (5, 1, -1), strict=False):
        end = now - dt.timedelta(days=2)
        Case.objects.filter(pk=case.pk).update(state="in_progress")
        Case.objects.filter(pk=case.pk).update(
            state="resolved", resolved_at=end, created_at=end - dt.timedelta(hours=hours),
            due_at=end + dt.timedelta(hours=left),
        )  # fmt: skip
    return made


def table(key: str, user: User, **asked: str) -> reporting.Table:
    """A report worked out for somebody."""
    found = reporting.report(key)
    assert found is not None
    return reporting.made(found, reporting.ask(found.filters, user, asked))


def raw(made: reporting.Table) -> dict[str, dict[str, Any]]:
    """Line → column → number."""
    lines = [*made.lines, *([made.total] if made.total else [])]
    return {
        line.label: {column.key: cell.raw for column, cell in zip(made.columns, line.cells, strict=True)}
        for line in lines
    }


def test_numbers_are_those_counted_by_hand(agent: User, solved: list[Case]) -> None:
    found = raw(table("cases-in-time", agent))
    minor, everything = found["Minor"], found["In all"]
    assert (minor["solved"], minor["in_time"], minor["late"], minor["open"]) == (3, 2, 1, 0)
    assert minor["rate"] == pytest.approx(100 * 2 / 3)
    assert (minor["p50"], minor["p90"]) == (pytest.approx(30), pytest.approx(46))  # between 30 and 50
    assert (found["Major"]["solved"], found["Major"]["open"], found["Major"]["rate"]) == (0, 1, None)
    assert (everything["solved"], everything["open"], everything["p50"]) == (3, 1, pytest.approx(30))
    assert raw(table("cases-in-time", agent, kind="billing"))["In all"]["solved"] == 0
    assert raw(table("cases-in-time", agent, period="last"))["In all"]["solved"] in (0, 3)  # on the first of a month


def test_every_number_opens_the_list_of_what_it_counts(client: Client, agent: User, solved: list[Case]) -> None:
    client.force_login(agent)
    made = table("cases-in-time", agent, kind="fault")
    late = next(cell for column, cell in zip(made.columns, made.lines[2].cells, strict=True) if column.key == "late")
    answer = client.get(late.url)
    page = answer.content.decode()
    assert [row.pk for row in answer.context["list"].page.rows] == [solved[2].pk]
    assert "Cases solved in time: Minor, too late, last 12 months, Fault" in page
    assert 'href="/reports/cases-in-time/?kind=fault"' in page  # the way back keeps the filter
    assert client.get(f"{late.url}&severity=major").context["list"].count == 0  # the list's own filters still work
    assert solved[2].number in b"".join(client.get(f"{late.url}&export=csv").streaming_content).decode()


@pytest.mark.parametrize(
    ("figure", "status"),
    [
        ({"report": "cases-in-time", "row": "minor", "column": "late"}, 200),
        ({"report": "cases-in-time", "row": "minor", "column": "margin"}, 400),
        ({"report": "nothing", "row": "", "column": ""}, 400),
        ({"report": "won-lost", "row": "x", "column": "won"}, 400),  # a list of something else
        ({"report": "monthly-revenue", "row": "", "column": "came"}, 403),
        ({"report": "cases-in-time", "row": "\x00'; drop", "column": "late", "period": "'"}, 200),
        ({"report": "forecast", "row": "9999-12", "column": "deals"}, 400),
    ],
)
def test_a_made_up_figure_is_refused(client: Client, agent: User, figure: dict[str, str], status: int) -> None:
    client.force_login(agent)
    assert client.get(f"/cases/?figure={quote(urlencode(figure))}").status_code == status


def test_reports_are_for_those_who_may_see_what_they_count(client: Client, agent: User) -> None:
    client.force_login(agent)
    assert client.get(PAGE).status_code == 200
    assert client.get("/reports/monthly-revenue/").status_code == 403
    assert client.get("/reports/monthly-revenue/tile/").status_code == 403
    assert client.get("/dashboards/revenue/").status_code == 200  # its forecast is theirs too; the rest is left out
    assert client.get("/reports/nothing/").status_code == client.get("/dashboards/nothing/").status_code == 404
    assert client.get("/dashboards/").headers["Location"] == "/dashboards/service/"
    shown = client.get("/reports/").content.decode()
    assert "Cases solved in time" in shown
    assert "Monthly recurring revenue" not in shown
    assert "/dashboards/service/" in client.get("/").content.decode()
    customer = UserFactory(role="customer")
    client.force_login(customer)
    assert {client.get(path).status_code for path in ("/reports/", PAGE, "/dashboards/service/")} == {403}


def test_margins_are_hidden_from_whoever_may_not_see_them(client: Client) -> None:
    for role, sees in (("sales_agent", False), ("sales_manager", True)):
        client.force_login(UserFactory(role=role))
        file = b"".join(client.get("/reports/quotes/?export=csv").streaming_content).decode()
        assert ("Margin" in file) is sees
        figure = quote(urlencode({"report": "quotes", "row": "", "column": "quotes"}))
        assert client.get(f"/quotes/?figure={figure}").status_code == 200


def test_a_wrong_filter_counts_as_usual_and_is_marked(client: Client, agent: User) -> None:
    client.force_login(agent)
    answer = client.get(f"{PAGE}?period=never&kind=fault")
    assert answer.context["asked"].values == {"kind": "fault"}
    assert "Choose one of the list." in answer.content.decode()
    assert client.get(f"{PAGE}?export=exe").status_code == 400


def test_files_hold_the_numbers(client: Client, agent: User, solved: list[Case]) -> None:
    client.force_login(agent)
    lines = b"".join(client.get(f"{PAGE}?export=csv").streaming_content).decode().splitlines()
    assert lines[0].lstrip("\ufeff").startswith("Severity,Solved,In time,Too late,SLA kept (%)")
    assert lines[-1].startswith("In all,3,2,1,66.67")
    openpyxl: Any = import_module("openpyxl")
    sheet = openpyxl.load_workbook(io.BytesIO(client.get(f"{PAGE}?export=xlsx").content)).active
    assert [cell.value for cell in list(sheet.rows)[3]][:4] == ["Minor", 3, 2, 1]


def test_charts_stand_beside_their_table(client: Client, agent: User, solved: list[Case]) -> None:
    client.force_login(agent)
    page = client.get(PAGE).content.decode()
    assert 'role="img"' in page
    assert "The table holds the same numbers" in page
    assert "chart/chart.umd.min.js" in page
    assert "chart.umd" not in client.get("/cases/").content.decode()
    drawn = table("cases-in-time", agent).drawn()
    assert [one["data"] for one in drawn["series"]] == [[0, 0, 2], [0, 0, 1]]


@pytest.mark.parametrize("key", EVERY)
def test_every_report_works_without_anything_and_with_every_filter(
    client: Client, key: str, django_assert_max_num_queries: Any
) -> None:
    boss = UserFactory(is_superuser=True)
    client.force_login(boss)
    found = reporting.report(key)
    assert found is not None
    asked = {one.name: one.offered(boss)[-1][0] for one in found.filters}
    with django_assert_max_num_queries(20):
        assert client.get(f"/reports/{key}/?{urlencode(asked)}").status_code == 200
    made = reporting.ask(found.filters, boss, asked)
    for column in found.columns:
        assert list(found.behind(made, "", column.opens)) == []
        url = reverse(column.records or found.records)
        figure = quote(urlencode({"report": key, "row": "", "column": column.opens, **asked}))
        assert client.get(f"{url}?figure={figure}&{column.query}").status_code == 200


def test_every_dashboard_names_reports_that_are_there() -> None:
    assert {key for board in shelf._boards.values() for key in board.reports} <= set(EVERY)
    assert {board.key for board in shelf._boards.values()} == {"sales", "service", "revenue", "delivery", "fallout"}


@pytest.mark.parametrize(
    ("rhythm", "now", "then"),
    [
        ("daily", (2026, 3, 6, 8), (2026, 3, 9, 7)),  # from Friday morning to Monday
        ("daily", (2026, 3, 6, 5), (2026, 3, 6, 7)),
        ("weekly", (2026, 3, 23, 8), (2026, 3, 30, 7)),  # over the change of the clock
        ("monthly", (2026, 1, 31, 12), (2026, 2, 1, 7)),
    ],
)
def test_it_goes_out_at_seven_where_its_owner_is(
    agent: User, rhythm: str, now: tuple[int, ...], then: tuple[int, ...]
) -> None:
    moment = dt.datetime(*now, tzinfo=ZONE)  # type: ignore[misc,arg-type]
    assert mailing.following(rhythm, agent, moment) == dt.datetime(*then, tzinfo=ZONE)  # type: ignore[misc,arg-type]


def set_up(by: User, *people: User, query: str = "") -> ReportMail:
    return mailing.set_up(report="cases-in-time", board="", query=query, rhythm="weekly", people=people, by=by)


def test_only_who_may_see_it_is_sent_it(client: Client, agent: User) -> None:
    stranger = UserFactory(role="legal")
    with pytest.raises(Refusal, match="may not see"):
        set_up(agent, agent, stranger)
    with pytest.raises(NotPermitted):
        set_up(stranger, agent)
    client.force_login(agent)
    told = {"report": "cases-in-time", "board": "", "query": "kind=fault&other=1", "rhythm": "daily"}
    answer = client.post("/reports/mails/new/", {**told, "people": [agent.pk, stranger.pk]})
    assert answer.status_code == 422
    assert f"{stranger} may not see" in answer.content.decode()
    assert client.post("/reports/mails/new/", {**told, "people": [agent.pk]}).status_code == 302
    made = ReportMail.objects.get()
    assert (made.query, made.url) == ("kind=fault", f"{PAGE}?kind=fault")
    assert client.get("/reports/mails/new/?report=monthly-revenue").status_code == 403
    assert client.get("/reports/mails/new/?report=none").status_code == 404
    client.force_login(UserFactory(role="service_agent"))
    assert client.get(f"/reports/mails/{made.pk}/").status_code == 404


def test_a_reader_stops_it_for_themselves_and_its_owner_for_all(client: Client, agent: User) -> None:
    other = UserFactory(role="service_agent")
    made = set_up(agent, agent, other)
    client.force_login(other)
    assert str(agent) in client.get("/reports/").content.decode()
    assert client.post(f"/reports/mails/{made.pk}/", {"rhythm": "daily", "people": [other.pk]}).status_code == 403
    assert client.post(f"/reports/mails/{made.pk}/stop/").status_code == 302
    assert list(made.people.all()) == [agent]
    client.force_login(agent)
    client.post(f"/reports/mails/{made.pk}/", {"rhythm": "daily", "people": [agent.pk]})
    assert ReportMail.objects.get().rhythm == "daily"
    client.post(f"/reports/mails/{made.pk}/", {"remove": "1"})
    assert not ReportMail.objects.exists()


@pytest.fixture
def papers(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What would have been printed."""
    found: list[dict[str, Any]] = []

    def pdf(template: str, context: dict[str, Any], *, title: str) -> bytes:
        found.append(context)
        return b"%PDF"

    monkeypatch.setattr(paper, "pdf", pdf)
    return found


def test_what_is_due_goes_to_each_reader_once(
    agent: User, solved: list[Case], papers: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = UserFactory(role="service_agent")
    made = set_up(agent, agent, other, query="kind=fault")
    other.groups.clear()  # the role is gone since
    assert mailing.send_due(made.next_at - dt.timedelta(minutes=1)) == 0
    assert mailing.send_due(made.next_at) == 1
    assert mailing.send_due(made.next_at) == 0
    (letter,) = mail.outbox
    assert letter.to == [agent.email]
    assert "Cases solved in time" in letter.subject
    assert f"{PAGE}?kind=fault" in letter.body
    assert "SLA kept, last 12 months" in letter.body
    assert "every Monday" in letter.body
    assert letter.attachments[0][0].endswith(".pdf")
    assert raw(papers[0]["parts"][0]["table"])["Minor"]["solved"] == 3
    kept = ReportMail.objects.get()
    assert kept.next_at - made.next_at in (dt.timedelta(days=7), dt.timedelta(days=7, hours=1), dt.timedelta(hours=167))
    assert "may still see it" in kept.trouble


def test_a_mail_server_that_refuses_is_tried_again_in_an_hour(
    agent: User, papers: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = set_up(agent, agent)

    def broken(*args: Any, **kwargs: Any) -> int:
        raise ConnectionRefusedError

    monkeypatch.setattr("kernel.reporting.mailing.EmailMessage.send", broken)
    assert mailing.send_due(made.next_at) == 0
    kept = ReportMail.objects.get()
    assert kept.next_at == made.next_at + dt.timedelta(hours=1)
    assert "tried again" in kept.trouble


def test_a_report_without_one_number_is_told_line_by_line_in_the_readers_language(
    agent: User, papers: list[dict[str, Any]]
) -> None:
    manager = UserFactory(role="order_manager", language="de", time_zone="America/New_York")
    made = mailing.set_up(report="jeopardy", board="", query="", rhythm="daily", people=[manager], by=manager)
    mailing.send_due(made.next_at)
    (letter,) = mail.outbox
    assert "Every" not in letter.body
    assert "every" not in letter.body
    assert letter.attachments[0][0].isascii()
    assert any(zone in letter.body for zone in ("EST", "EDT"))


@pytest.mark.slow
def test_the_pdf_has_bars_and_numbers(agent: User, solved: list[Case]) -> None:
    from pypdf import PdfReader

    what = mailing.subject("", "service")
    file = mailing.printed(what, mailing.tables_for(what, "", agent))
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(file)).pages)
    assert "Service levels" in text
    assert "66.7" in text
    assert file.startswith(b"%PDF")
    with translation.override("de"):
        file = mailing.printed(what, mailing.tables_for(what, "", agent))
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(file)).pages)
    assert "Seite 1 von" in text
    assert "Page" not in text
    assert "Tasks of teams only" not in text
    assert "hours" not in text


def test_a_period_is_the_readers_own() -> None:
    now = dt.datetime(2026, 3, 15, 23, 30, tzinfo=dt.UTC)
    user = User(username="u")
    with timezone.override("Asia/Tokyo"):
        asked = reporting.ask([reporting.PERIOD], user, {"period": "30d"}, now)
        assert (asked.today, asked.since, asked.until) == (
            dt.date(2026, 3, 16), dt.date(2026, 2, 15), dt.date(2026, 3, 17),
        )  # fmt: skip
        last = reporting.ask([reporting.PERIOD], user, {"period": "last"}, now)
        assert (last.since, last.until) == (dt.date(2026, 2, 1), dt.date(2026, 3, 1))
    year = Asked(user, (), now)
    assert [f"{month:%y-%m}" for month in year.months()][::11] == ["25-04", "26-03"]
    assert Percentile("x", fraction=0.5).output_field.get_internal_type() == "FloatField"

"""Lists: what is shown, filtered, sorted, counted and exported."""

import csv
import io
from typing import Any

import django_filters
import pytest
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails

from kernel import tables
from kernel.csvfile import harmless
from kernel.models import Notification, User
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


class NoteTable(tables.Table):
    text = tables.Name(url="notification", sub="url")
    at = tables.When(optional=True)
    read = tables.Flag(accessor="read_at", orderable=False)


class NoteFilter(tables.Filters):
    kind = tables.Choices(field_name="url", label="Kind", choices=[("/a/", "Kind A"), ("/b/", "Kind B")])
    number = django_filters.NumberFilter(field_name="pk")


class Notes(tables.ListPage):
    title = "Notes"
    model = Notification
    table = NoteTable
    filters = NoteFilter
    search = ("text",)
    sort = "-at"
    per_page = 5
    empty = tables.Empty("bell", "No notes yet", "They land here.")

    def rows(self) -> Any:
        return Notification.objects.filter(user=self.request.user)


def ask(user: User, query: str = "", **headers: str) -> HttpResponse:
    request: HttpRequest = RequestFactory().get(f"/notes/?{query}", headers=headers)
    request.user = user
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]
    return tables.show(request, Notes)


def note(user: User, text: str, url: str = "/a/") -> Notification:
    return Notification.objects.create(user=user, text=text, url=url)


@pytest.fixture
def user() -> User:
    return UserFactory(role="sales_agent")


def test_a_page_shows_rows_with_their_second_line_and_the_way_on(user: User) -> None:
    for n in range(7):
        note(user, f"note {n}")
    page = ask(user).content.decode()
    assert "note 6" in page
    assert "note 1" not in page
    assert '<span class="sub2">/a/</span>' in page
    assert "1 to 5 of 7" in page
    assert 'rel="next"' in page
    assert 'style="' not in page


def test_a_full_page_shows_every_row_that_it_counts(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Notes, "per_page", 50)
    Notification.objects.bulk_create(Notification(user=user, text=f"n{n}") for n in range(60))
    page = ask(user, "page=2&sort=text").content.decode()
    assert "1 to 50 of 60" in page
    assert page.count('<th scope="row"') == 50, "neither the library's pages nor its sorting come on top of ours"
    assert page.index(">n0<") < page.index(">n1<") < page.index(">n10<")


def test_htmx_gets_the_list_alone(user: User) -> None:
    note(user, "hello")
    page = ask(user, **{"HX-Request": "true", "HX-Target": "list"}).content.decode()
    assert page.startswith("<section")
    assert "<html" not in page


def test_filters_search_and_their_chips(user: User) -> None:
    note(user, "first", "/a/")
    note(user, "second", "/b/")
    page = ask(user, "kind=/b/&q=SEC").content.decode()
    assert "second" in page
    assert "first" not in page
    assert "Clear" in page
    nothing = ask(user, "q=zzz").content.decode()
    assert "Nothing matches" in nothing


@pytest.mark.parametrize(
    "query", ["kind=%27%3B--", "kind=" + "x" * 3000, "number=abc", "number=1e999", "q=%00%27", "page=-1"]
)
def test_strange_filters_never_break_the_page(user: User, query: str) -> None:
    note(user, "still here")
    assert ask(user, query).status_code == 200


@pytest.mark.parametrize("sort", ["password", "user__password", "--at", "read", "-", "at;drop"])
def test_only_columns_can_sort(user: User, sort: str) -> None:
    with pytest.raises(BadRequest):
        ask(user, f"sort={sort}")


def test_an_empty_list_says_what_it_is_for(user: User) -> None:
    page = ask(user).content.decode()
    assert "No notes yet" in page
    assert "They land here." in page


def test_the_number_of_queries_does_not_grow_with_the_rows(user: User) -> None:
    note(user, "one")
    ask(user)  # rights are read once per person
    few = count_queries(lambda: ask(user))
    Notification.objects.bulk_create(Notification(user=user, text=f"n{n}") for n in range(60))
    assert count_queries(lambda: ask(user)) == few


def count_queries(act: Any) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as seen:
        act()
    return len(seen)


def rows_of(response: Any) -> list[list[str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r@", " =", "|", "%"])
def test_an_export_neutralises_formulas(user: User, start: str) -> None:
    note(user, f"{start}cmd()", "")
    cell = rows_of(ask(user, "export=csv"))[1][0]
    assert cell.startswith("'")


def test_an_export_has_all_that_match_and_only_that(user: User) -> None:
    for n in range(12):
        note(user, f"plain {n}", "/a/" if n % 2 else "/b/")
    note(UserFactory(), "of somebody else")
    response = ask(user, "export=csv&kind=/a/")
    assert response["Content-Disposition"] == 'attachment; filename="notes.csv"'
    rows = rows_of(response)
    assert rows[0][:2] == ["Text", "Text (second line)"]
    assert len(rows) == 7
    assert all(row[1] == "/a/" for row in rows[1:])


def test_numbers_stay_numbers_in_an_export() -> None:
    from decimal import Decimal

    assert harmless(Decimal("-12.50")) == Decimal("-12.50")
    assert harmless("-12.50") == "'-12.50"

"""Sheets into quotes: formats as they come, columns of lines, refusals at their cells, long ones in the background."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from contracts import sheetimport, sheetmapping, tasks
from contracts.models import Quote, QuoteLine, SheetImport
from kernel.csvfile import Unreadable
from tests.factories import contracts_quotes as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]
HEAD = ("code", "name", "street", "postcode", "city", "country", "bandwidth", "discount", "term")


def row(n: int, **values: str) -> list[str]:
    cells = {"code": f"B{n:03}", "name": f"Büro {n}", "street": "Kade 1", "postcode": "3011 AB", "city": "Rotterdam",
             "country": "NL", "bandwidth": "1G", "discount": "", "term": ""}  # fmt: skip
    return list((cells | values).values())


def text(rows: list[list[str]], mark: str = ";") -> str:
    return "\n".join(mark.join(cells) for cells in [list(HEAD), *rows])


def kept(content: bytes, quote: Quote | None = None) -> SheetImport:
    made = quote or make.quote(make.customer(0)[0])
    return sheetimport.keep(quote_id=made.pk, name="deal.csv", content=content, by=make.seller())


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [(";", "windows-1252"), (",", "utf-8-sig"), ("\t", "utf-16"), (";", "latin-1")],
)
def test_sheets_are_read_as_offices_write_them(mark: str, encoding: str) -> None:
    sheet = kept(text([row(1), row(2, term="12", discount="7.5" if mark == "," else "7,5")], mark).encode(encoding))
    assert sheetmapping.problems(sheet.mapping) == []
    done = sheetimport.start(sheet_id=sheet.pk, by=None)
    assert (done.total, done.refused, done.lines_made) == (2, [], 2)
    first, second = QuoteLine.objects.filter(quote=sheet.quote_id).select_related("site").order_by("site__code")
    assert first.site is not None
    assert first.site.name == "Büro 1"
    assert (first.term_months, first.manual_discount) == (None, None)
    assert (second.term_months, str(second.manual_discount)) == (12, "7.50")


def test_each_bad_cell_is_named_and_the_good_rows_go_in() -> None:
    rows = [
        row(1), row(2, bandwidth="=1+1"), row(3, bandwidth="3G"), row(4, term="99"), row(5, term="soon"),
        row(6, discount="140"), row(7, country="Atlantis"),
    ]  # fmt: skip
    sheet = kept(text(rows).encode())
    done = sheetimport.start(sheet_id=sheet.pk, by=None)
    assert (done.total, done.lines_made, len(done.refused)) == (1, 1, 6)
    said = {one["line"]: one["problems"] for one in done.refused}
    assert [said[line][0][0] for line in sorted(said)] == [
        "dia.bandwidth", "dia.bandwidth", "term_months", "term_months", "discount", "country"
    ]  # fmt: skip
    assert "begins like a formula" in said[3][0][1]
    assert "1 to 36" in said[5][0][1]
    file = sheetimport.refused_file(done)
    assert file.count("\n") == 7
    assert "'=1+1" in file  # nothing that a spreadsheet would calculate


def test_fifty_thousand_rows_are_refused_with_the_limit() -> None:
    with pytest.raises(Unreadable) as refused:
        kept(text([row(n) for n in range(50_000)]).encode())
    assert "5,000" in str(refused.value)
    assert not SheetImport.objects.exists()


def test_a_long_sheet_is_taken_in_the_background_with_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheetimport, "AT_ONCE", 2)
    monkeypatch.setattr(sheetimport, "CHUNK", 2)
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr("kernel.jobs.wake", lambda task, **values: sent.append({"task": task, **values}))
    quote = make.quote(make.customer(0)[0])
    client = Client()
    client.force_login(make.seller())
    content = text([*(row(n) for n in range(1, 6)), row(9, bandwidth="3G")]).encode()
    upload = client.post(
        reverse("contracts:quote_import", args=[quote.number, quote.version]),
        {"file": SimpleUploadedFile("deal.csv", content)},
    )
    sheet = SheetImport.objects.get(quote=quote)
    address = reverse("contracts:quote_sheet", args=[quote.number, quote.version, sheet.pk])
    assert upload["Location"] == address
    mapped = client.get(address).text
    assert "3G" in mapped
    data = {f"to-{place}": target for place, target in enumerate(sheet.mapping)}
    assert client.post(address, data | {"act": "import"}).status_code == 302
    assert [one["task"] for one in sent] == ["contracts.tasks.take_sheet"]
    assert not QuoteLine.objects.filter(quote=quote).exists()
    assert "every" in client.get(address).text  # the page asks on by itself
    monkeypatch.setattr(sheetimport, "take", sheetimport._take_some)
    tasks.take_sheet(sheet_id=sheet.pk)
    sheet = SheetImport.objects.get(pk=sheet.pk)
    assert (sheet.done, sheet.total, sheet.share) == (2, 5, 40)
    assert "2 of 5 rows" in client.get(address, headers={"HX-Request": "true"}).text
    monkeypatch.undo()
    tasks.take_sheet(sheet_id=sheet.pk)
    tasks.take_sheet(sheet_id=sheet.pk)  # a second message adds nothing
    sheet = SheetImport.objects.get(pk=sheet.pk)
    assert (sheet.done, sheet.lines_made, sheet.share) == (5, 5, 100)
    assert QuoteLine.objects.filter(quote=quote).count() == 5
    assert Quote.objects.get(pk=quote.pk).monthly > 0
    result = client.get(address).text
    assert "3G" in result
    assert "refused.csv" in result

"""Sheets: any usual encoding, delimiter and workbook is read; what cannot be read says what to do."""

import io
import zipfile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kernel import csvfile, listfile, sheets
from kernel.csvfile import Unreadable

TEXT = "Code;Straße;Ort\r\nA-1;Hafenstraße 5;Köln\r\n\r\nA-2;Am Markt 1;Zürich\r\n"
ROWS = [(2, ["A-1", "Hafenstraße 5", "Köln"]), (4, ["A-2", "Am Markt 1", "Zürich"])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters_read_the_same(encoding: str, delimiter: str) -> None:
    found = sheets.read(TEXT.replace(";", delimiter).encode(encoding))
    assert (found.columns, found.rows) == (["Code", "Straße", "Ort"], ROWS)
    assert bool(found.notes) is (encoding == "cp1252")  # the reader is told to look


def workbook(*rows: list[object]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook_is_read_and_its_formulas_stay_formulas() -> None:
    import datetime as dt

    found = sheets.read(workbook(["Code", "Lat", "Wanted", "Sum"], ["A-1", 52.5, dt.date(2027, 3, 31), "=1+1"], [7]))
    assert found.columns == ["Code", "Lat", "Wanted", "Sum"]
    assert [cells[:4] for _, cells in found.rows] == [["A-1", "52.5", "2027-03-31", "=1+1"], ["7", "", "", ""]]


def test_known_columns_are_found_in_a_workbook_as_in_text() -> None:
    book = workbook(["Code", "City", "Lines"], ["A-1", "Brno", 3], ["A-2", "Brno", 1, "too much"])
    text = b"Code;City;Lines\nA-1;Brno;3\nA-2;Brno;1;too much"
    found = [sheets.parse(sent, known=("code", "city", "lines"), required=("code",)) for sent in (book, text)]
    assert found[0] == found[1]
    assert found[0].records[1] == sheets.Record(3, {"code": "A-2", "city": "Brno", "lines": "1"}, surplus=1)
    with pytest.raises(Unreadable, match="did you mean “city”"):
        sheets.parse(workbook(["Code", "Cty"], ["A", "B"]), known=("code", "city"), required=("code",))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty."),
        (b"code,name\n", "a head but no rows"),
        (b"code\nA-1\n", "Only one column was found"),
        (b"\xd0\xcf\x11\xe0rest", "old or protected Excel file"),
        (b"PK\x03\x04 not a zip", "cannot be read"),
        (b"a,b\n\x00\x01", "binary data"),
        (b'a,b\n"open,1\n', "quotation mark"),
        (b"\xff\xfe\x00", "says that it is UTF-16"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(content: bytes, said: str) -> None:
    with pytest.raises(Unreadable) as refused:
        sheets.read(content)
    assert said in " ".join(text for texts in refused.value.problems.values() for text in texts)


def test_fifty_thousand_rows_meet_a_clear_limit() -> None:
    content = ("a,b\n" + "1,2\n" * 50_000).encode()
    with pytest.raises(Unreadable, match="Split it"):
        sheets.read(content)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_UNPACKED", 100_000)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * 1_000_000)
    with pytest.raises(Unreadable, match="unpacks to"):
        sheets.read(out.getvalue())


def test_a_csv_may_have_bars_between_its_cells_and_is_text() -> None:
    found = sheets.parse(b"code|city\n01|Brno\n", known=("code", "city"), required=("code",))
    assert (found.columns, found.records[0].cells) == (("code", "city"), {"code": "01", "city": "Brno"})
    with pytest.raises(Unreadable, match="binary data"):
        sheets.parse(b"\x89PNG\r\n\x1a\n\x00\x00", known=("code",), required=("code",))


TEXTS = st.lists(
    st.text(st.sampled_from([*csvfile.FORMULA, *"'' \",;aé1"]), min_size=1, max_size=12).map(str.strip).filter(bool),
    min_size=1, max_size=20,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(TEXTS)
@example(["'=1+1", "''=1", "=1", "' =1", "'", "'=", "'+31 20", "–'=", "'a'"])
def test_what_a_file_tells_is_what_comes_back(texts: list[str]) -> None:
    rows = [["text", "key"], *([text, "x"] for text in texts)]
    book = io.BytesIO()
    listfile.write_workbook(rows, book)
    for content in ("".join(csvfile.lines(rows)).encode(), book.getvalue()):
        cells = [cells[0] for _, cells in sheets.read(content).rows]
        assert not any(cell.lstrip(" ").startswith(csvfile.FORMULA) for cell in cells)
        assert [csvfile.plain(cell) for cell in cells] == texts

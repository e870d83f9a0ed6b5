"""Generated bad files, five hundred in a full trial: each is refused in words or kept under a clean name."""

import io
import os
import random
import re
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Iterator

import openpyxl
import pytest
from PIL import Image

from kernel import documents, sheets
from kernel.refusal import Refusal

FILES = 500 if os.environ.get("FAULTS") == "full" else 120
MEMORY = 200 * 1024 * 1024
NAMES = (
    "plan.pdf", "../../etc/passwd.pdf", "..\\..\\win.png", "a\x00b.png", "\u202egnp.exe.pdf", "x" * 400 + ".pdf",
    ".pdf", "photo.jpg.svg", "photo.svg", "page.html", "list.csv", "list.xlsx", "list.XLSX", "macro.xlsm",
    "a b;rm -rf.zip",
    "<script>.csv", "no extension", "", " ", "list.csv\r\nX: y", "CON.png", "scan.jpeg", "notes.txt", "book.docx",
)  # fmt: skip
LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol">%s]><worksheet
xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>
&e9;</t></is></c></row></sheetData></worksheet>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><worksheet
xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>
&f;</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row></sheetData></worksheet>"""


def image(kind: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(made, kind)
    return made.getvalue()


def workbook(sheet: bytes | None = None) -> bytes:
    book, made = openpyxl.Workbook(), io.BytesIO()
    for row in (("code", "city"), ("A1", "Rotterdam"), ("A2", "=1+1")):
        book.worksheets[0].append(row)
    book.save(made)
    if sheet is None:
        return made.getvalue()
    other = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made.getvalue())) as old, zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, sheet if part.endswith("sheet1.xml") else old.read(part))
    return other.getvalue()


def laughs() -> bytes:
    entities, before = b"", b"a"
    for n in range(10):
        name = b"e%d" % n
        entities += b'<!ENTITY %s "%s">' % (name, b"&%s;" % before * 10)
        before = name
    return workbook(LAUGHS % entities)


def generated() -> Iterator[tuple[str, bytes]]:
    """Good files cut, turned over, glued together and filled with noise, under good and bad names."""
    chance = random.Random(18)
    good = [
        b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF", image("PNG"), image("JPEG"), workbook(), laughs(),
        workbook(OUTSIDE), "code,city\nA1,Zürich\n".encode(), b"<svg onload=alert(1)>", b"<!doctype html><script>x()",
        "code;city\nA1;Köln\n".encode("cp1252"), b"\xff\xfec\x00,\x00", b"PK\x05\x06" + bytes(18), b"",
        b"=cmd|' /C calc'!A0,1\n2,3\n", b'"open,\n' * 3, b"GIF89a" + bytes(30), b"MZ" + bytes(60),
    ]  # fmt: skip
    for _ in range(FILES):
        content = bytearray(chance.choice(good))
        for _ in range(chance.randint(0, 3)):
            act, at = chance.randrange(4), chance.randrange(len(content) + 1)
            if act == 0:
                content = content[:at]
            elif act == 1:
                content[at:at] = chance.choice(good)
            elif act == 2:
                content[at : at + 4] = chance.randbytes(4)
            else:
                content += b"\x00" * chance.randrange(5000)
        yield chance.choice(NAMES), bytes(content)


@pytest.mark.slow
def test_no_file_breaks_the_door() -> None:
    came: Counter[str] = Counter()
    told: list[str] = []
    tracemalloc.start()
    for name, content in generated():
        try:
            clean, kind = documents.accept(name, content)
            came["kept"] += 1
            assert kind in documents.TYPES.values()
            assert re.fullmatch(r"[\w .()+,=@-]{1,120}", clean), clean
            assert ".." not in clean.split("/")
        except documents.Unacceptable as refusal:
            came["refused"] += 1
            told.append(str(refusal))
        for read in (sheets.read, lambda file: sheets.parse(file, known=("code", "city"), required=("code",))):
            try:
                read(content)  # type: ignore[operator]
                came["read"] += 1
            except Refusal as refusal:
                came["unreadable"] += 1
                told.extend(refusal.problems.get("file", [""]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert all(told)
    assert came["kept"] + came["refused"] == FILES
    assert min(came.values()) > FILES // 25, came
    assert peak < MEMORY


def test_a_workbook_brings_nothing_from_outside() -> None:
    for content in (laughs(), workbook(OUTSIDE)):
        try:
            told = str(sheets.read(content))
        except Refusal as refusal:
            told = str(refusal)
        assert "root:" not in told
        assert len(told) < 5_000

"""Sealing: a signed PDF is verifiable, and every changed byte shows."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from contracts import sealing
from tests.factories import contracts as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def _signed() -> bytes:
    made = make.sign(make.sent())
    with made.signed_document.file.open("rb") as file:
        content: bytes = file.read()
    return content


def test_a_sealed_file_is_whole_until_a_byte_changes() -> None:
    content = _signed()
    verdict = sealing.verify(content)
    assert (verdict.sealed, verdict.intact, verdict.ours, verdict.why) == (True, True, True, "")
    for place in (20, len(content) // 3, len(content) - 400):
        changed = bytearray(content)
        changed[place] ^= 1
        assert not sealing.verify(bytes(changed)).intact
    assert not sealing.verify(content + b"\n%more").intact


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"<html>", b"%PDF-1.7\n" + b"<<" * 3000])
def test_what_is_no_sealed_pdf_is_told_in_words(content: bytes) -> None:
    verdict = sealing.verify(content)
    assert not verdict.sealed
    assert verdict.why


def test_the_command_checks_seal_hash_and_the_document_inside(tmp_path: Path) -> None:
    content = _signed()
    file = tmp_path / "signed.pdf"
    file.write_bytes(content)
    out = io.StringIO()
    call_command("verify_signature", str(file), "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert [told[name] for name in ("ok", "kept_by_us", "document_inside_is_the_one_that_was_sent")] == [True] * 3
    assert told["signed_by"] == "Julia Brandt"
    file.write_bytes(content[:-1] + b"x")
    with pytest.raises(CommandError, match="not what was signed"):
        call_command("verify_signature", str(file), stdout=io.StringIO())
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("verify_signature", str(tmp_path / "none.pdf"))

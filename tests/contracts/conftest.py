"""The test catalogue, published once for each file of tests."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, NameObject

from contracts import printing
from tests.factories import catalog


@pytest.fixture(scope="module")
def catalogue(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Publish it in a transaction around the file's tests, undone afterwards."""
    with django_db_blocker.unblock(), transaction.atomic():
        catalog.publish()
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> Path:
    """Files of a test stay with the test."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def blank_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print blank pages, for tests that are not about what is on them."""

    def print_blank(template: str, context: dict[str, Any], *, title: str) -> bytes:
        out, writer = io.BytesIO(), PdfWriter()
        page = writer.add_blank_page(595, 842)
        page[NameObject("/Contents")] = writer._add_object(DecodedStreamObject())
        writer.add_metadata({"/Title": title})
        writer.write(out)
        return out.getvalue()

    def print_long(parts: list[printing.Part], *, title: str, progress: printing.Told | None = None) -> bytes:
        return print_blank(parts[0].template, parts[0].context, title=title)

    monkeypatch.setattr(printing, "pdf", print_blank)
    monkeypatch.setattr(printing, "long_pdf", print_long)

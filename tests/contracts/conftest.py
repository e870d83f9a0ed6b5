"""The test catalogue, published once for each file of tests."""

import copy
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, NameObject

from contracts import printing
from contracts.models import Contract, SignatureRequest
from tests.factories import catalog
from tests.factories import contracts as make


@pytest.fixture(scope="module")
def catalogue(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Publish it in a transaction around the file's tests, undone afterwards."""
    with django_db_blocker.unblock(), transaction.atomic():
        catalog.publish()
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True, scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Documents stay with the file of tests."""
    folder = tmp_path_factory.mktemp("media")
    with override_settings(MEDIA_ROOT=folder):
        yield folder


@contextmanager
def blank() -> Iterator[None]:
    """Print blank pages."""

    def print_blank(template: str, context: dict[str, Any], *, title: str) -> bytes:
        out, writer = io.BytesIO(), PdfWriter()
        page = writer.add_blank_page(595, 842)
        page[NameObject("/Contents")] = writer._add_object(DecodedStreamObject())
        writer.add_metadata({"/Title": title})
        writer.write(out)
        return out.getvalue()

    def print_long(parts: list[printing.Part], *, title: str, progress: printing.Told | None = None) -> bytes:
        return print_blank(parts[0].template, parts[0].context, title=title)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(printing, "pdf", print_blank)
        patch.setattr(printing, "long_pdf", print_long)
        yield


@pytest.fixture
def blank_pages() -> Iterator[None]:
    """Print blank pages, for tests that are not about what is on them."""
    with blank():
        yield


@pytest.fixture(scope="module")
def made_once(catalogue: None, media: Path, django_db_blocker: Any) -> Iterator[Callable[..., Any]]:
    """`made_once(make.live, sites=2)`: a deal for all tests of a file, on blank pages; none changes it for the next."""

    def made(factory: Callable[..., Any], **values: Any) -> Any:
        with django_db_blocker.unblock(), blank():
            return factory(**values)

    with django_db_blocker.unblock(), transaction.atomic():
        yield made
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def _sent(made_once: Callable[..., Any]) -> SignatureRequest:
    found: SignatureRequest = made_once(make.sent)
    return found


@pytest.fixture
def sent(_sent: SignatureRequest) -> SignatureRequest:
    """The link of an approved agreement, made once for the file."""
    return copy.copy(_sent)


@pytest.fixture(scope="module")
def _presented(made_once: Callable[..., Any]) -> SignatureRequest:
    found: SignatureRequest = made_once(make.presented)
    return found


@pytest.fixture
def presented(_presented: SignatureRequest) -> SignatureRequest:
    """The link of a presented quote, made once for the file."""
    return copy.copy(_presented)


@pytest.fixture(scope="module")
def live(made_once: Callable[..., Any]) -> Contract:
    """A sales contract in force with two sites, made once for the file."""
    found: Contract = made_once(make.live, sites=2)
    return found

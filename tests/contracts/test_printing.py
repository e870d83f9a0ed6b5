"""Printing: long documents in parts, the same bytes each time, and how far a worker is with them."""

import io
from typing import Any

import pytest
from django.test import Client
from pypdf import PdfReader

from contracts import documents, printing, printruns, provider, quotecontent, tasks
from contracts.documents import DocumentPending
from contracts.models import PrintRun, Provider, Quote
from kernel import documents as kept
from kernel.models import Notification
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


@pytest.mark.slow
def test_a_long_quote_is_set_in_parts_with_page_numbers_over_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotecontent, "STRETCH", 2)
    quote = make.approved_quote(sites=4)
    told: list[tuple[int, int]] = []
    content = documents.quote_bytes(quote, progress=lambda done, total: told.append((done, total)))
    pages = [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(content)).pages]
    assert len(quotecontent.content(quote).sections) == 2
    assert told == [(n, 5) for n in range(1, 6)]
    assert all(f"Page {n} of {len(pages)}" in page for n, page in enumerate(pages, 1))
    everything = " ".join(pages)
    for line in quote.lines.select_related("site"):
        assert line.site.name in everything
    assert "4 sites" in everything
    secrets = [quote.monthly_cost, quote.one_time_cost, *quote.lines.values_list("monthly_cost", flat=True)]
    assert all(f"{secret:,.2f}" not in everything for secret in secrets)
    assert "margin" not in everything.lower()


@pytest.mark.slow
def test_the_same_content_gives_the_same_bytes() -> None:
    quote = make.approved_quote(sites=1)
    assert documents.quote_bytes(quote) == documents.quote_bytes(Quote.objects.get(pk=quote.pk))


@pytest.mark.slow
def test_a_part_that_cannot_be_set_ends_the_run_with_words(monkeypatch: pytest.MonkeyPatch) -> None:
    quote = make.approved_quote(sites=1)
    run = printruns.ask(quote, by=quotes.seller())
    monkeypatch.setattr(printing, "STYLE", printing.STYLE.parent)  # no file: no press starts
    assert printruns.make(run.pk) is None
    run = PrintRun.objects.get(pk=run.pk)
    assert run.state == "failed"
    assert "could not be made" in run.error
    assert printruns.ask(quote).pk != run.pk


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long from the second line on; its parts are not really set."""
    monkeypatch.setattr(documents, "AT_ONCE", 1)

    def quick(wanted: list[printing.Part], *, title: str, progress: printing.Told) -> bytes:
        progress(1, 2)
        return b"%PDF-1.7 " + title.encode()

    monkeypatch.setattr(printing, "long_pdf", quick)


@pytest.mark.usefixtures("parts")
def test_a_long_quote_is_printed_once_it_is_approved(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr("kernel.jobs.wake", lambda task, **values: sent.append(values))
    quote = make.approved_quote(sites=2)
    run = printruns.latest(quote)
    assert run is not None
    assert sent[-1] == {"queue": "documents", "run_id": run.pk}
    with pytest.raises(DocumentPending, match="2 lines"):
        documents.quote_pdf(quote)
    tasks.make_quote_pdf(run_id=run.pk)
    tasks.make_quote_pdf(run_id=run.pk)
    made = documents.quote_pdf(quote)
    assert kept.of(quote).count() == 1
    assert PrintRun.objects.get(pk=run.pk).document == made
    assert made.customer_may_see


@pytest.mark.usefixtures("parts")
def test_a_drafts_preview_is_for_us_and_ends_with_the_next_edit() -> None:
    quote, places = quotes.quote(quotes.customer()[0]), []
    for _ in range(2):
        places.append(quotes.site(quote.account))
        quotes.line(quote, places[-1])
    seller = quotes.seller()
    run = printruns.ask(quote, by=seller)
    made = printruns.make(run.pk)
    assert made is not None
    assert (made.kind, made.customer_may_see) == (printruns.PREVIEW, False)
    assert Notification.objects.filter(user=seller, text__contains="is ready").exists()
    assert printruns.latest(quote) == run
    quotes.line(quote, quotes.site(quote.account))
    assert printruns.latest(quote) is None


@pytest.mark.usefixtures("parts")
def test_the_page_shows_how_far_it_is_and_then_the_way_to_it(client: Client) -> None:
    quote = make.approved_quote(sites=2)
    client.force_login(quotes.seller())
    address = f"/quotes/{quote.number}/v{quote.version}/printing/"
    run = printruns.latest(quote)
    assert run is not None
    assert client.get(f"/quotes/{quote.number}/v{quote.version}/offer.pdf").headers["Location"] == address
    PrintRun.objects.filter(pk=run.pk).update(done=3, total=9)
    assert "being made" in client.get(address).text
    PrintRun.objects.filter(pk=run.pk).update(done=0, total=0)
    printruns.make(run.pk)
    assert "is ready" in client.get(address, headers={"HX-Request": "true"}).text
    assert client.get(f"/quotes/{quote.number}/v{quote.version}/offer.pdf").content.startswith(b"%PDF")


@pytest.mark.usefixtures("parts")
def test_a_run_whose_worker_was_lost_is_made_anew() -> None:
    quote = make.approved_quote(sites=2)
    run = printruns.latest(quote)
    assert run is not None
    PrintRun.objects.filter(pk=run.pk).update(total=4, moved_at="2026-01-01T00:00:00Z")
    assert printruns.ask(quote).pk != run.pk


@pytest.mark.slow
def test_the_providers_name_address_and_colour_are_on_the_document() -> None:
    Provider.objects.create(name="Northlink", legal_name="Northlink Networks B.V.", street="Kade 12", city="Rotterdam",
                            accent="#7a1f5c")  # fmt: skip
    said = make.words(documents.quote_pdf(make.approved_quote(sites=1)))
    assert "Northlink Networks B.V." in said
    assert "Kade 12, Rotterdam" in said
    assert "Trunkline" not in said
    assert provider.mix("#000000", 255, 1) == "#ffffff"


def test_a_colour_nobody_can_read_is_refused() -> None:
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError, match="too light"):
        Provider(accent="#ffee88").full_clean()

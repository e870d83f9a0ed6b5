"""Paperwork: types of file by kind of record, the stages that need them, a look at a file, and the virus scanner."""

import datetime as dt
import socket
import threading

import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.models import Lead
from fallout import watchdog
from kernel import documents, home, moving, outbox, paperwork, virusscan
from kernel.models import Document, DocumentType, User
from orders import progress
from orders.models import DomainOrder, Order
from tests.factories.crm import LeadFactory
from tests.factories.lists import ListDesk
from tests.factories.orders import Shop, finish, fresh
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
PDF, PNG = b"%PDF-1.7 text", b"\x89PNG\r\n\x1a\n rest"
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def media(settings: LazySettings, tmp_path: object) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def agent(client: Client) -> User:
    user = UserFactory(role="sales_agent")
    client.force_login(user)
    return user


@pytest.fixture
def lead(agent: User) -> Lead:
    DocumentType.objects.create(subject_type="crm.lead", key="brief", label="Site brief", needed_for="contacted")
    return LeadFactory(owner=agent)


def send(client: Client, record: Lead, **sent: object) -> tuple[int, str]:
    sent = {"file": SimpleUploadedFile("brief.pdf", PDF)} | sent
    url = reverse("documents", args=["crm.lead", record.pk])
    response = client.post(url, sent, headers=FRAGMENT)
    return response.status_code, response.content.decode()


def test_a_stage_is_not_reached_without_its_file(client: Client, agent: User, lead: Lead) -> None:
    page = client.get(lead.get_absolute_url()).content.decode()
    assert "Add this under Documents first: Site brief." in page
    panel = client.get(reverse("documents", args=["crm.lead", lead.pk])).content.decode()
    assert "Site brief" in panel
    assert "needed for contacted" in panel.replace("\n", " ")
    with pytest.raises(paperwork.Missing, match="Site brief"):
        moving.make(lead, "contact", by=agent)
    move = reverse("move", args=["crm.lead", lead.pk])
    assert client.post(move, {"move": "contact"}).status_code == 422
    assert send(client, lead)[0] == 200  # a file of no type helps nobody
    assert client.post(move, {"move": "contact"}).status_code == 422
    status, panel = send(client, lead, kind="brief")
    assert (status, "is missing" in panel) == (200, False)
    assert moving.make(lead, "contact", by=agent).state == "contacted"


def test_many_leave_out_who_lacks_a_file(agent: User, lead: Lead) -> None:
    other = LeadFactory(owner=agent)
    documents.upload(other, name="b.pdf", content=PDF, by=agent, kind="brief")
    page = ListDesk(agent, "/leads/").preview("contact", lead, other)
    assert "1 record is changed" in page
    assert "Add this under Documents first: Site brief." in page


def test_a_type_that_is_not_offered_is_refused_at_its_field(client: Client, lead: Lead) -> None:
    status, panel = send(client, lead, kind="signed_quote")
    assert status == 422
    assert "Choose one of the types that are offered." in panel
    assert not Document.objects.exists()


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("subject_type", {"subject_type": "crm.nothing"}), ("subject_type", {"subject_type": "x"}),
        ("needed_for", {"needed_for": "sold"}), ("key", {"key": "signed_quote"}), ("key", {"key": "attachment"}),
    ],
)  # fmt: skip
def test_a_type_fits_its_kind_of_record(field: str, values: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        DocumentType(**{"subject_type": "crm.lead", "key": "brief", "label": "Brief"} | values).full_clean()
    assert set(refused.value.message_dict) == {field}


def test_an_order_is_complete_once_its_papers_are_there(client: Client) -> None:
    DocumentType.objects.create(
        subject_type="orders.order", key="checklist", label="Test checklist", needed_for="completed"
    )
    manager = UserFactory(role="order_manager")
    client.force_login(manager)
    order = Shop().running()
    access = DomainOrder.objects.get(specification__key="t-access")
    progress.values_supplied(values={access.pk: {"pop_found": "RTM2"}})
    finish()
    assert fresh(order).state == Order.State.IN_PROGRESS
    page = client.get(order.get_absolute_url()).content.decode()
    assert "The order is complete once this is added under Documents." in page
    (asked,) = (action for action in home.actions_for(manager) if action.word == "Add")
    assert (asked.number, asked.detail) == (order.number, f"{order.account.name}: Test checklist")
    assert watchdog.standing(timezone.now() + dt.timedelta(hours=5)) == []
    documents.upload(order, name="tests.pdf", content=PDF, by=manager, kind="checklist")
    outbox.drain()
    assert fresh(order).state == Order.State.COMPLETED


@pytest.mark.parametrize(
    ("name", "content", "shown"),
    [
        ("a.pdf", PDF, "<iframe"), ("a.png", PNG, "<img"), ("a.txt", "Grüße <b>".encode(), "Grüße &lt;b&gt;"),
        ("a.csv", b"Site;City\nDC 1;Rotterdam\n", "<td>Rotterdam</td>"), ("a.csv", b"\n", "</table>"),
        ("a.zip", b"PK\x03\x04 x", "Download it to open it."),
    ],
)  # fmt: skip
def test_a_file_is_looked_at_beside_its_record(
    client: Client, agent: User, lead: Lead, name: str, content: bytes, shown: str
) -> None:
    document = documents.upload(lead, name=name, content=content, by=agent)
    look = reverse("document_look", args=[document.pk])
    assert shown in client.get(look, headers=FRAGMENT).content.decode()
    assert "<main" in client.get(look).content.decode()
    inside = client.get(reverse("document", args=[document.pk]), {"view": "1"})
    framed = name in ("a.pdf", "a.png")
    assert ("frame-ancestors 'self'" in inside["Content-Security-Policy"]) == framed
    assert inside["Content-Disposition"].startswith("inline" if framed else "attachment")
    assert b"".join(inside.streaming_content) == content
    document.file.storage.delete(document.file.name)
    assert client.get(look).status_code == 200
    client.force_login(UserFactory(role="customer"))
    assert client.get(look).status_code == 404


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"stream: OK\0", ""), (b"stream: Eicar-Signature FOUND\0", "found something in this file: Eicar-Signature"),
        (b"INSTREAM size limit exceeded. ERROR\0", "could not be scanned"), (b"", "could not be scanned"),
    ],
)  # fmt: skip
def test_the_scanner_is_shown_every_file(settings: LazySettings, answer: bytes, told: str) -> None:
    heard = b""

    def scan(server: socket.socket) -> None:
        nonlocal heard
        line, _ = server.accept()
        with line:
            while not heard.endswith(b"\0\0\0\0"):
                heard += line.recv(65536)
            line.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.VIRUS_SCANNER = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        thread = threading.Thread(target=scan, args=(server,))
        thread.start()
        if told:
            with pytest.raises(virusscan.Unscanned, match=told):
                documents.accept("a.pdf", PDF)
        else:
            documents.accept("a.pdf", PDF)
        thread.join(5)
    assert heard == b"zINSTREAM\0" + len(PDF).to_bytes(4, "big") + PDF + bytes(4)


def test_a_scanner_that_is_gone_lets_no_file_through(settings: LazySettings, client: Client, lead: Lead) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.VIRUS_SCANNER = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    status, panel = send(client, lead)
    assert (status, "could not be scanned for viruses" in panel) == (422, True)
    assert not Document.objects.exists()

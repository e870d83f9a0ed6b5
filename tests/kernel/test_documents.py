"""Documents: told by their content, never run by a browser, seen by whoever may see the record."""

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from crm.models import Account
from kernel import documents
from kernel.models import Document, User
from tests.factories.crm import AccountFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7 text"
PNG = b"\x89PNG\r\n\x1a\n rest"


@pytest.fixture(autouse=True)
def media(settings: LazySettings, tmp_path: object) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def account() -> Account:
    return AccountFactory()


@pytest.fixture
def agent(client: Client) -> User:
    user = UserFactory(role="sales_agent")
    client.force_login(user)
    return user


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", PDF), ("photo.JPG", b"\xff\xd8\xff\xe0 x"), ("p.png", PNG), ("list.csv", b"a;b\n1;2\n"),
        ("n.txt", "gr\u00fc\u00df".encode()),
        ("s.xlsx", b"PK\x03\x04 x"), ("..\\..\\evil\\a.pdf", PDF), ("/etc/passwd/a.pdf", PDF), ("a\u202ecod.pdf", PDF),
    ],
)  # fmt: skip
def test_files_that_are_what_they_say_are_kept_under_a_clean_name(name: str, content: bytes) -> None:
    clean, kind = documents.accept(name, content)
    assert not set(clean) & set("/\\\u202e\x00")
    assert not clean.startswith(".")
    assert kind in documents.TYPES.values()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<script>1</script>"), ("x.svg", b"<svg onload=1>"), ("run.exe", b"MZ"),
        ("noending", b"x"), ("a.pdf", b""),
        ("a.pdf", b"<html>%PDF-1.7"), ("a.png", PDF), ("a.csv", b"\x00\x01"),
        ("a.txt", b"<script>alert(1)</script>"), ("a.txt", b"\xff\xfe"),
        ("a.pdf.html", PDF), ("a.docx", b"not zipped"), ("", PDF), (".pdf.", b"x"), ("\x00", PDF),
    ],
)  # fmt: skip
def test_polyglots_and_strange_files_are_refused_in_words(name: str, content: bytes) -> None:
    with pytest.raises(documents.Unacceptable) as refused:
        documents.accept(name, content)
    assert len(str(refused.value)) > 15


def test_a_file_over_the_limit_is_refused(settings: LazySettings) -> None:
    settings.MAX_UPLOAD_BYTES = 1000
    with pytest.raises(documents.Unacceptable, match="limit"):
        documents.accept("a.pdf", PDF + b"x" * 1000)


def test_the_same_name_again_is_the_next_version(account: Account, agent: User) -> None:
    versions = [documents.upload(account, name="loa.pdf", content=PDF + bytes([n]), by=agent).version for n in range(3)]
    assert versions == [1, 2, 3]
    assert len({document.sha256 for document in documents.of(account)}) == 3


def url(account: Account) -> str:
    return reverse("documents", args=["crm.account", account.pk])


def test_upload_and_download_by_the_page(client: Client, account: Account, agent: User) -> None:
    response = client.post(url(account), {"file": SimpleUploadedFile("loa.pdf", PDF)}, headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert "loa.pdf" in response.content.decode()
    response = client.get(reverse("document", args=[Document.objects.get().pk]))
    assert b"".join(response.streaming_content) == PDF
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"].startswith("attachment")
    assert "sandbox" in response["Content-Security-Policy"]


@pytest.mark.parametrize(
    "sent",
    [
        {}, {"file": "no file"}, {"file": SimpleUploadedFile("x.html", b"<script>")},
        {"file": SimpleUploadedFile("a.pdf", b"")},
        {"file": SimpleUploadedFile("n" * 300 + ".pdf", PDF)},
    ],
)  # fmt: skip
def test_a_refused_upload_says_why_at_its_field(
    client: Client, account: Account, agent: User, sent: dict[str, object]
) -> None:
    response = client.post(url(account), sent, headers={"HX-Request": "true"})
    assert response.status_code == 422
    assert 'class="err"' in response.content.decode()
    assert not Document.objects.exists()


def test_who_may_not_see_the_record_sees_no_document(client: Client, account: Account, agent: User) -> None:
    document = documents.upload(account, name="loa.pdf", content=PDF, by=agent)
    client.force_login(UserFactory(role="customer"))
    assert client.get(reverse("document", args=[document.pk])).status_code == 404
    assert client.get(url(account)).status_code == 404
    client.logout()
    assert client.get(reverse("document", args=[document.pk])).status_code == 302


def test_a_file_that_got_lost_is_told_not_a_crash(client: Client, account: Account, agent: User) -> None:
    document = documents.upload(account, name="loa.pdf", content=PDF, by=agent)
    document.file.storage.delete(document.file.name)
    assert client.get(reverse("document", args=[document.pk])).status_code == 404

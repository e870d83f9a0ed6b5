"""Documents: files on a record, hashed and versioned, read back only through a view that checks the record."""

import csv
import hashlib
import posixpath
import re
import unicodedata

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import IntegrityError, models, transaction

from kernel import events, outbox, virusscan
from kernel.models.documents import Document
from kernel.models.people import User
from kernel.refusal import Refusal

TYPES = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "csv": "text/csv",
    "txt": "text/plain",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "zip": "application/zip",
}
LOOKS = {  # how a document of each kind is shown before it is taken home
    "application/pdf": "pages", "image/png": "picture", "image/jpeg": "picture", "text/plain": "text",
    "text/csv": "table",
}  # fmt: skip
_STARTS = {"pdf": b"%PDF-", "png": b"\x89PNG\r\n\x1a\n", "jpg": b"\xff\xd8\xff", "jpeg": b"\xff\xd8\xff"}
_ZIPPED = {"docx", "xlsx", "pptx", "odt", "ods", "zip"}
_ACTIVE = re.compile(rb"<\s*(script|html|svg|iframe|!doctype)", re.I)
TRIES = 5
ANY = "attachment"  # the kind of a file that has none of the types
READ = 65536  # bytes of a text that are shown before it is taken home


class Unacceptable(Refusal):
    """A file that is not kept; the message says why and what would be."""


def accept(name: str, content: bytes) -> tuple[str, str]:
    """The clean name and the type of an uploaded file, told by its content and not by what the browser says.

    Raises:
        Unacceptable: it is empty, too large, of a kind that is not kept, or not what its name says.
        Unscanned: the virus scanner found something, or does not answer.
    """
    clean = clean_name(name)
    extension = clean.rpartition(".")[2].lower() if "." in clean else ""
    if extension not in TYPES:
        raise Unacceptable(f"Files of this kind are not kept. Send one of these: {', '.join(sorted(TYPES))}.")
    if not content:
        raise Unacceptable("The file is empty.")
    if len(content) > settings.MAX_UPLOAD_BYTES:
        limit = settings.MAX_UPLOAD_BYTES / 1048576
        raise Unacceptable(f"The file is {len(content) / 1048576:.1f} MB; the limit is {limit:.0f} MB.")
    if not _is_what_it_says(extension, content):
        raise Unacceptable(
            f"The file’s content is not {extension.upper()}. Save it again in that format, or rename it."
        )
    virusscan.require_clean(content)
    return clean, TYPES[extension]


def _is_what_it_says(extension: str, content: bytes) -> bool:
    if extension in _STARTS:
        return content.startswith(_STARTS[extension])
    if extension in _ZIPPED:
        return content.startswith((b"PK\x03\x04", b"PK\x05\x06"))
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return b"\x00" not in content and not _ACTIVE.search(content[:4096])


def clean_name(name: str) -> str:
    """A file name without folders, control characters or tricks of direction, at most 120 characters."""
    name = posixpath.basename(name.replace("\\", "/"))
    name = "".join(c for c in unicodedata.normalize("NFC", name) if unicodedata.category(c)[0] != "C")
    name = re.sub(r"[^\w .()+,=@-]", "_", name).strip(" .")
    stem, dot, extension = name.rpartition(".")
    if not dot:
        return name[:120] or "file"
    return f"{stem[: 119 - len(extension[:10])] or 'file'}.{extension[:10]}"


@transaction.atomic
def upload(
    subject: models.Model, *, name: str, content: bytes, by: User, customer_may_see: bool = False, kind: str = ""
) -> Document:  # fmt: skip
    """Check and keep a file that somebody sent, of one of the record's types or of none. Raises as `accept` does."""
    clean, content_type = accept(name, content)
    made = store(
        subject, kind=kind or ANY, name=clean, content=content, content_type=content_type, by=by,
        customer_may_see=customer_may_see,
    )  # fmt: skip
    if kind:
        outbox.publish(events.TypedFileCame(made.subject_type, made.subject_id, kind))
    return made


def store(
    subject: models.Model,
    *,
    kind: str,
    name: str,
    content: bytes,
    content_type: str,
    by: User | None,
    customer_may_see: bool = False,
) -> Document:
    """Keep one file. The same subject, kind and name again becomes the next version."""
    label = subject._meta.label_lower
    name = clean_name(name)
    document = Document(
        subject_type=label, subject_id=subject.pk, kind=kind, name=name,
        content_type=content_type, size=len(content), sha256=hashlib.sha256(content).hexdigest(),
        customer_may_see=customer_may_see, created_by=by,
    )  # fmt: skip
    document.file.save(name, ContentFile(content), save=False)
    for attempt in range(TRIES):
        last = of(subject).filter(kind=kind, name=name).aggregate(last=models.Max("version"))["last"]
        document.version = (last or 0) + 1
        try:
            with transaction.atomic():
                document.save()
            break
        except IntegrityError:  # somebody stored the same version at the same moment
            if attempt == TRIES - 1:
                raise
    return document


def of(subject: models.Model) -> models.QuerySet[Document]:
    """Files of a record, newest first."""
    return Document.objects.filter(subject_type=subject._meta.label_lower, subject_id=subject.pk).order_by("-id")


def beginning(document: Document) -> str:
    """How a text begins, as far as a look at it shows. Raises OSError when the file is gone."""
    with document.file.open("rb") as file:
        return bytes(file.read(READ)).decode(errors="replace").removeprefix("\ufeff")


def first_rows(document: Document, most: int = 50) -> list[list[str]]:
    """The first rows of a table, as far as a look at it shows; a last line that is cut off is left out."""
    text = beginning(document)
    lines = text.splitlines(keepends=True)[:-1] if len(text) >= READ else text.splitlines(keepends=True)
    separator = max(";,\t", key="".join(lines[:5]).count)
    return [row[:20] for row in list(csv.reader(lines[: most * 4], delimiter=separator))[:most]]

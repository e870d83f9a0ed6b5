"""Documents: store files on a record, hashed and versioned; read them back only through a view that checks the record."""

import hashlib

from django.core.files.base import ContentFile
from django.db import models
from django.utils.text import get_valid_filename

from kernel.models.documents import Document
from kernel.models.people import User


def store(
    subject: models.Model, *, kind: str, name: str, content: bytes, content_type: str, by: User | None, customer_may_see: bool = False
) -> Document:
    """Keep one file. The same subject, kind and name again becomes the next version."""
    label = subject._meta.label_lower
    name = get_valid_filename(name)[:200]
    last = of(subject).filter(kind=kind, name=name).order_by("-version").values_list("version", flat=True).first()
    document = Document(
        subject_type=label, subject_id=subject.pk, kind=kind, name=name, version=(last or 0) + 1,
        content_type=content_type, size=len(content), sha256=hashlib.sha256(content).hexdigest(),
        customer_may_see=customer_may_see, created_by=by,
    )  # fmt: skip
    document.file.save(name, ContentFile(content), save=False)
    document.save()
    return document


def of(subject: models.Model) -> models.QuerySet[Document]:
    """Files of a record, newest first."""
    return Document.objects.filter(subject_type=subject._meta.label_lower, subject_id=subject.pk).order_by("-id")

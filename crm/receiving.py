"""Receiving: documents that a seller gives out with its order are kept on our request, each once."""

import base64
import hashlib
import logging
from urllib.parse import quote

from django.conf import settings
from django.db import transaction

from crm.models import PartnerRequest
from crm.partnerlink import Link, NotReached, understood
from kernel import audit, documents

log = logging.getLogger(__name__)
ORDER = "/exchange/orders/{}/documents/"
KIND = "partner"
ROOM = 2  # times the largest file: what Base64 and the words around it take at most


def fetch(link: Link, one: PartnerRequest) -> int:
    """Keep what is new there; how many documents that was. Raises NotReached, Refused."""
    path = ORDER.format(quote(one.number_there, safe=""))
    with understood("list of documents"):
        told = [(int(row["id"]), str(row["name"]), str(row["sha256"])) for row in link.get(path)]
    have = set(documents.of(one).filter(kind=KIND).values_list("sha256", flat=True))
    fresh = [row for row in told if row[2] not in have]
    for key, name, digest in reversed(fresh):
        with understood("document"):
            said = link.get(f"{path}{key}/", most=ROOM * settings.MAX_UPLOAD_BYTES)
            content = base64.b64decode(said["content"], validate=True)
        if hashlib.sha256(content).hexdigest() != digest:
            raise NotReached("A document came damaged.")
        _keep(one, name, content)
    return len(fresh)


@transaction.atomic
def _keep(one: PartnerRequest, name: str, content: bytes) -> None:
    try:
        clean, kind = documents.accept(name, content)
    except documents.Unacceptable as refusal:
        log.warning("a document of %s is not kept: %s", one.number, refusal)
        return
    documents.store(one, kind=KIND, name=clean, content=content, content_type=kind, by=None)
    audit.record("document_added", one, by=None, changes={"document": [None, clean]})

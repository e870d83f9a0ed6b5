"""Verify that a signed PDF is what was signed: its seal, the hash that we kept, and the document inside it."""

import hashlib
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contracts import sealing
from contracts.models import SignatureRequest


class Command(BaseCommand):
    """Ends with 0 when everything holds, with 1 when something does not."""

    help = "Check a signed PDF: its seal, the hash that was kept when it was signed, and the document inside it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--json", action="store_true", help="print an object instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.", returncode=2) from None
        found = _checks(content)
        if options["json"]:
            self.stdout.write(json.dumps(found, default=str))
        else:
            for name, value in found.items():
                self.stdout.write(f"{name.replace('_', ' ')}: {value}")
        if not found["ok"]:
            raise CommandError("This file is not what was signed.", returncode=1)


def _checks(content: bytes) -> dict[str, Any]:
    verdict = sealing.verify(content)
    sha256 = hashlib.sha256(content).hexdigest()
    made = SignatureRequest.objects.filter(signed_document__sha256=sha256).select_related("document").first()
    inside = made is not None and not made.wet and sealing.head_is(content, made.document_sha256, made.document.size)
    return {
        "sha256": sha256,
        "sealed": verdict.sealed,
        "unchanged_since": verdict.at if verdict.intact else None,
        "sealed_by": verdict.signer,
        "our_certificate": verdict.ours,
        "kept_by_us": made is not None,
        "signed_by": made.signed_name if made else "",
        "signed_at": made.signed_at if made else None,
        "document_inside_is_the_one_that_was_sent": inside,
        "why": verdict.why,
        "ok": verdict.intact and verdict.ours and inside,
    }

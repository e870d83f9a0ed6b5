"""Verify that a signed PDF is what was signed: its seal, the hash that we kept, and the document inside it."""

import hashlib
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contracts import sealing, signature, signingorder
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
                told = ", ".join(f"{one['name']} ({one['for']})" for one in value) if name == "signatures" else value
                self.stdout.write(f"{name.replace('_', ' ')}: {told}")
        if not found["ok"]:
            raise CommandError("This file is not what was signed.", returncode=1)


def _checks(content: bytes) -> dict[str, Any]:
    verdict = sealing.verify(content)
    sha256 = hashlib.sha256(content).hexdigest()
    made = SignatureRequest.objects.filter(signed_document__sha256=sha256).select_related("document").first()
    inside = made is not None and not made.wet and sealing.head_is(content, made.document_sha256, made.document.size)
    every = [_signature(one) for one in _all(made)] if made else []
    open_ones = signingorder.waiting(signature.record_of(made)).count() if made else 0
    later = signature.open_of(signature.record_of(made)) if made else None
    return {
        "sha256": sha256,
        "sealed": verdict.sealed,
        "unchanged_since": verdict.at if verdict.intact else None,
        "sealed_by": verdict.signer,
        "our_certificate": verdict.ours,
        "kept_by_us": made is not None,
        "signed_by": ", ".join(one["name"] for one in every),
        "signed_at": made.signed_at if made else None,
        "signatures": every,
        "still_to_sign": open_ones + (later is not None),
        "document_inside_is_the_one_that_was_sent": inside,
        "why": verdict.why or next((one["why"] for one in every if one["why"]), ""),
        "ok": verdict.intact and verdict.ours and inside and all(not one["why"] for one in every),
    }


def _all(made: SignatureRequest) -> list[SignatureRequest]:
    """The signatures that a file holds: those before it and its own."""
    return [*signingorder.signed_before(made), made]


def _signature(made: SignatureRequest) -> dict[str, Any]:
    """One signature, and why it does not hold if so: its file was altered, or it is of another document."""
    kept = made.signed_document
    why = ""
    if kept is None:
        why = f"The copy of {made.signed_name} is missing."
    else:
        with kept.file.open("rb") as file:
            content = file.read()
        if hashlib.sha256(content).hexdigest() != kept.sha256:
            why = f"The kept copy of {made.signed_name} was altered."
        elif not made.wet and not sealing.head_is(content, made.document_sha256, made.document.size):
            why = f"{made.signed_name} signed another document."
    party = "us" if made.person_id else "customer"
    return {"name": made.signed_name, "for": party, "at": made.signed_at, "on_paper": made.wet, "why": why}

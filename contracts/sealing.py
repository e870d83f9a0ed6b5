"""Sealing: the provider's certificate on a signed PDF (PAdES), and whether a file still is what was sealed.

The seal is an addition behind the document's own bytes: the head of a sealed file is the document as it was sent, so
its hash can be taken again by anyone.
"""

import datetime as dt
import hashlib
import io
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

FIELD = "Provider"
BOX = (51, 46, 300, 92)  # of the visible seal on the certificate page, in points
YEARS = 10


@dataclass(frozen=True)
class Verdict:
    """What a check of a file found. `ours` when it was sealed with the provider's present certificate."""

    sealed: bool
    intact: bool = False
    ours: bool = False
    signer: str = ""
    at: dt.datetime | None = None
    why: str = ""


def seal(original: bytes, leaves: Sequence[bytes], *, reason: str) -> bytes:
    """The document with these pages behind it, certified so that no further change is allowed."""
    from pyhanko.pdf_utils import generic
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.pdf_utils.writer import PageObject
    from pyhanko.sign import fields, signers
    from pyhanko.stamp import TextStampStyle

    writer = IncrementalPdfFileWriter(io.BytesIO(original))
    name = generic.pdf_name
    for leaf in leaves:
        found = PdfFileReader(io.BytesIO(leaf))
        forms = generic.DictionaryObject({name("/Certificate"): writer.import_page_as_xobject(found, 0)})
        writer.insert_page(
            PageObject(
                contents=writer.add_object(generic.StreamObject(stream_data=b"q /Certificate Do Q")),
                media_box=generic.ArrayObject(map(generic.FloatObject, _size(found))),
                resources=generic.DictionaryObject({name("/XObject"): forms}),
            )
        )
    fields.append_signature_field(writer, fields.SigFieldSpec(FIELD, on_page=-1, box=BOX))
    wanted = signers.PdfSignatureMetadata(
        field_name=FIELD, certify=True, docmdp_permissions=fields.MDPPerm.NO_CHANGES, reason=reason[:200],
        md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES,
    )  # fmt: skip
    style = TextStampStyle(stamp_text="Sealed by %(signer)s\n%(ts)s", border_width=0)
    signer = signers.PdfSigner(wanted, signer=_signer(), stamp_style=style)
    sealed: bytes = signer.sign_pdf(writer).getvalue()
    return sealed


def verify(content: bytes) -> Verdict:
    """Whether the file carries a seal, and nothing of it changed since."""
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.general import ValueErrorWithMessage
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.errors import SignatureValidationError
    from pyhanko.sign.validation.status import SignatureCoverageLevel
    from pyhanko_certvalidator import ValidationContext

    ours = _signer().signing_cert
    try:
        found = list(PdfFileReader(io.BytesIO(content)).embedded_signatures)
        if not found:
            return Verdict(False, why="The file carries no seal.")
        trust = ValidationContext(trust_roots=[ours], allow_fetching=False)
        status = validate_pdf_signature(found[0], trust)
    except (
        PdfError, ValueErrorWithMessage, SignatureValidationError, ValueError, KeyError, TypeError,
        AttributeError, IndexError, RecursionError, OSError,
    ) as error:  # fmt: skip
        return Verdict(
            False, why=f"The file cannot be read as a sealed PDF: {str(error)[:200] or type(error).__name__}."
        )
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    intact = bool(status.intact and status.valid and whole)
    signer = str(found[0].signer_cert.subject.native.get("common_name", ""))
    own = found[0].signer_cert.sha256 == ours.sha256
    why = "" if intact else "The file was changed after it was sealed."
    return Verdict(True, intact, own, signer, status.signer_reported_dt, why)


def head_is(content: bytes, sha256: str, size: int) -> bool:
    """Whether the file begins with the document of this hash and size."""
    return hashlib.sha256(content[:size]).hexdigest() == sha256


def _signer() -> Any:
    path = Path(settings.SIGNING_CERTIFICATE)
    if not path.exists():
        _make(path)
    return _opened(path, settings.SIGNING_PASSWORD, path.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _opened(path: Path, password: str, changed: int) -> Any:
    """The signer of that file, kept while the file is as it is: opening it and its key takes longer than a seal."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.serialization import load_der_private_key
    from pyhanko.sign import signers

    signer = signers.SimpleSigner.load_pkcs12(str(path), passphrase=password.encode() or None)
    if signer is None:
        raise RuntimeError(f"{path} cannot be opened; see SIGNING_CERTIFICATE and SIGNING_PASSWORD.")
    if signer.signing_cert.public_key.algorithm == "rsa":
        key: Any = load_der_private_key(signer.signing_key.dump(), password=None)

        async def sign(data: bytes, digest: str, dry_run: bool = False) -> bytes:
            length, way = key.key_size // 8, getattr(hashes, digest.upper())()
            return bytes(length) if dry_run else key.sign(data, PKCS1v15(), way)

        signer.async_sign_raw = sign  # the library's own reads and checks the key again at each signature
    return signer


def _make(path: Path) -> None:
    """A self-signed certificate for development, written once; of two that make it at once the first one counts."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption, pkcs12
    from cryptography.x509.oid import NameOID

    from contracts import provider

    key = rsa.generate_private_key(65537, 3072)
    named = provider.current().signs_as[:64]
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, named)])
    now = dt.datetime.now(dt.UTC)
    usage = dict.fromkeys(
        ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign", "encipher_only",
         "decipher_only"), False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=365 * YEARS))
        .add_extension(x509.KeyUsage(digital_signature=True, content_commitment=True, **usage), critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    locked = settings.SIGNING_PASSWORD.encode()
    how = BestAvailableEncryption(locked) if locked else NoEncryption()
    _write_once(path, pkcs12.serialize_key_and_certificates(b"provider", key, certificate, None, how))


def _write_once(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _size(found: Any) -> tuple[float, ...]:
    box = found.root["/Pages"]["/Kids"][0]["/MediaBox"]
    return tuple(float(value) for value in box)

"""The second factor: a code from an authenticator app (TOTP, RFC 6238) beside the password, for whoever wants one."""

import base64
import hashlib
import hmac
import secrets
import time

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kernel import audit
from kernel.models.access import SecondFactor
from kernel.models.people import User
from kernel.refusal import Refusal

STEP = 30  # seconds that a code holds
DRIFT = (0, -1, 1)  # steps that a telephone's clock may be off
SPARES = 8
WRONG = "This code does not fit. Take the one that the app shows now."


def wanted(user: User) -> bool:
    """Whether this person's log-in asks for a code."""
    return bool(SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists())


def begin(user: User) -> str:
    """The key to put into the app, in the letters that apps take; the same until it is confirmed."""
    made, _ = SecondFactor.objects.get_or_create(user=user, defaults={"key": _cipher().encrypt(_new()).decode()})
    if made.confirmed_at is not None:
        raise Refusal("Your log-in asks for a code already.")
    return base64.b32encode(_key(made)).decode().rstrip("=")


def address(user: User, key: str) -> str:
    """The key as an address that an authenticator app on this device opens."""
    return f"otpauth://totp/Trunkline:{user.username}?secret={key}&issuer=Trunkline&algorithm=SHA1&digits=6&period=30"


@transaction.atomic
def confirm(*, user: User, code: str) -> list[str]:
    """From now on a code is asked for. Returns the spare codes, which are shown once. Raises Refusal at `code`."""
    factor = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at=None).first()
    if factor is None or not _fits(factor, code):
        raise Refusal(problems={"code": [WRONG]})
    spares = [f"{secrets.token_hex(4)}-{secrets.token_hex(4)}" for _ in range(SPARES)]
    factor.confirmed_at = timezone.now()
    factor.spares = [_hash(spare) for spare in spares]
    factor.save()
    audit.record("second factor added", user, by=user)
    return spares


@transaction.atomic
def passes(*, user: User, code: str) -> bool:
    """Whether a code or a spare one lets this person in. Each does so once."""
    factor = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at__isnull=False).first()
    if factor is None:
        return False
    spare = _hash(code.strip().lower())
    if spare in factor.spares:
        factor.spares = [one for one in factor.spares if one != spare]
    elif not _fits(factor, code):
        return False
    factor.save()
    return True


@transaction.atomic
def drop(*, user: User, code: str) -> None:
    """A code is not asked for any more. Raises Refusal at `code` without one that fits."""
    if not passes(user=user, code=code):
        raise Refusal(problems={"code": [WRONG]})
    SecondFactor.objects.filter(user=user).delete()
    audit.record("second factor removed", user, by=user)


def reset(*, user: User, by: User) -> bool:
    """An administrator takes a lost one away. Returns whether there was one."""
    gone, _ = SecondFactor.objects.filter(user=user).delete()
    if gone:
        audit.record("second factor removed", user, by=by)
    return bool(gone)


def _fits(factor: SecondFactor, code: str) -> bool:
    """Whether the app shows that code about now, and it was not taken before; it is then noted as taken."""
    code = code.replace(" ", "")
    now = int(time.time()) // STEP
    app = TOTP(_key(factor), 6, SHA1(), STEP)  # noqa: S303 – what the apps reckon with
    for step in (now + drift for drift in DRIFT):
        if step > factor.last_step and hmac.compare_digest(app.generate(step * STEP), code.encode()):
            factor.last_step = step
            return True
    return False


def _new() -> bytes:
    return secrets.token_bytes(20)


def _key(factor: SecondFactor) -> bytes:
    try:
        return _cipher().decrypt(factor.key.encode())
    except InvalidToken:
        raise Refusal(
            "The key cannot be read any more. Ask an administrator to take your second factor away."
        ) from None


def _cipher() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"second factor {settings.SECRET_KEY}".encode()).digest()))


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()

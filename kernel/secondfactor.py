"""The second factor: a code from an authenticator app (TOTP, RFC 6238) beside the password, for whoever wants one.

django-otp keeps the devices: it takes each code once and makes guessing slower with every wrong one.
"""

import segno
from django.db import transaction
from django_otp import user_has_device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from kernel import audit
from kernel.models.people import User
from kernel.refusal import Refusal

SPARES = 8
WRONG = "This code does not fit, or too many were tried. Wait a moment, and take the one that the app shows then."


def wanted(user: User) -> bool:
    """Whether this person's log-in asks for a code."""
    return bool(user_has_device(user))


@transaction.atomic
def begin(user: User) -> TOTPDevice:
    """The device with the key to put into the app, the same until it is confirmed. Raises Refusal when there is one."""
    User.objects.select_for_update().get(pk=user.pk)
    if wanted(user):
        raise Refusal("Your log-in asks for a code already.")
    made: TOTPDevice = TOTPDevice.objects.get_or_create(user=user, confirmed=False, defaults={"name": "App"})[0]
    return made


def picture(device: TOTPDevice) -> str:
    """The key as a QR code for the app's camera: the address of an SVG picture."""
    return str(segno.make(device.config_url, error="m").svg_data_uri(scale=4, border=2, dark="#111", light="#fff"))


@transaction.atomic
def confirm(*, user: User, code: str) -> list[str]:
    """From now on a code is asked for. Returns the spare codes, which are shown once. Raises Refusal at `code`."""
    device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=False).first()
    if device is None or not device.verify_token(_typed(code)):
        raise Wrong
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    spares = [StaticToken.random_token() for _ in range(SPARES)]
    keeper = StaticDevice.objects.create(user=user, name="Spare codes")
    StaticToken.objects.bulk_create(StaticToken(device=keeper, token=spare) for spare in spares)
    audit.record("second factor added", user, by=user)
    return spares


@transaction.atomic
def passes(*, user: User, code: str) -> bool:
    """Whether a code of the app, or a spare one, lets this person in. Each does so once."""
    typed = _typed(code)
    kind = TOTPDevice if typed.isdigit() else StaticDevice
    device = kind.objects.select_for_update().filter(user=user, confirmed=True).first()
    return device is not None and bool(device.verify_token(typed))


def drop(*, user: User, code: str) -> None:
    """A code is not asked for any more. Raises Refusal at `code` without one that fits."""
    if not passes(user=user, code=code):
        raise Wrong
    reset(user=user, by=user)


@transaction.atomic
def reset(*, user: User, by: User) -> bool:
    """Take the second factor away; an administrator does so when it was lost. Returns whether there was one."""
    had = wanted(user)
    for kind in (TOTPDevice, StaticDevice):
        kind.objects.filter(user=user).delete()
    if had:
        audit.record("second factor removed", user, by=by)
    return had


class Wrong(Refusal):
    """A code that does not fit; the try is counted all the same."""

    def __init__(self) -> None:
        super().__init__(problems={"code": [WRONG]})


def _typed(code: str) -> str:
    return code.replace(" ", "").lower()

"""Invitation: a new log-in gets a mail with a one-time link to choose its password."""

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from kernel import letters
from kernel.models.people import User


def invite(user: User, to: str) -> None:
    """Mail a link to choose a password, once the transaction has committed. `to` says what the log-in is for.

    The link ends with the first password set, or after PASSWORD_RESET_TIMEOUT. Whoever has a password is not mailed.
    """
    if user.has_usable_password() or not user.email:
        return
    transaction.on_commit(lambda: _mail(user, to), robust=True)


def link(user: User) -> str:
    """The address where this person chooses a password."""
    code = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("password_reset_confirm", args=[code, default_token_generator.make_token(user)])
    return f"{settings.BASE_URL}{path}"


def _mail(user: User, to: str) -> None:
    letters.send(
        f"Your log-in to {to}",
        f"Good day {user.get_full_name() or user.username},\n\nyou can use {to} now. Choose your password here:\n\n"
        f"{link(user)}\n\nYour user name is {user.username}; your e-mail address works as well.\n",
        user.email,
        language=user.language,
    )

"""Token keeping: people make tokens for their own scripts, and take them back."""

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from kernel import audit
from kernel.models import PersonalToken, User
from kernel.refusal import Refusal

PREFIX = "tlp_"
MOST_DAYS = 365
MOST = 20
LONGEST = 80  # characters of a name


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def make(*, user: User, name: str, scopes: Iterable[str], days: int) -> tuple[PersonalToken, str]:
    """A token with its text, which is not kept. Raises Refusal with the problems at their fields."""
    held = sorted(set(scopes))
    problems: dict[str, list[str]] = {}
    if not name.strip():
        problems["name"] = ["Say what will use the token."]
    elif len(name.strip()) > LONGEST:
        problems["name"] = [f"At most {LONGEST} characters."]
    if not held:
        problems["scopes"] = ["Choose at least one."]
    if not 1 <= days <= MOST_DAYS:
        problems["days"] = [f"A token holds from 1 to {MOST_DAYS} days."]
    if PersonalToken.objects.filter(user=user, revoked_at=None).count() >= MOST:
        problems[""] = [f"You have {MOST} tokens. Revoke one first."]
    if problems:
        raise Refusal(problems=problems)
    text = PREFIX + secrets.token_urlsafe(32)
    made = PersonalToken.objects.create(
        user=user, name=name.strip(), digest=digest(text), hint=text[:10], scopes=held,
        expires_on=timezone.localdate() + dt.timedelta(days=days),
    )  # fmt: skip
    audit.record("token made", user, by=user, changes={"token": [None, str(made)], "scopes": [None, held]})
    return made, text


@transaction.atomic
def revoke(*, token_id: int, user: User) -> None:
    """The token holds no longer. Raises DoesNotExist for somebody else's."""
    token = PersonalToken.objects.select_for_update().get(pk=token_id, user=user)
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        audit.record("token revoked", user, by=user, changes={"token": [str(token), None]})

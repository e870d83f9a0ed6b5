"""Access: whose token it is, what it may do, and how often."""

import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from oauth2_provider.models import AccessToken

from kernel.models import PersonalToken, User
from kernel.rest import scopes
from kernel.rest.errors import ApiError
from kernel.tokenkeeping import PREFIX, digest

PERSONAL_RATE = 300  # calls a minute
BREAK = 10.0  # seconds for which a Redis that did not answer is left alone
_down = {"until": 0.0}


@dataclass(frozen=True)
class Caller:
    """Who calls: the account it acts as, under which name, with which scopes and calls a minute."""

    user: User
    name: str
    scopes: frozenset[str]
    rate: int
    token: str


def caller(request: HttpRequest) -> Caller:
    """Who sent the request. Raises ApiError 401 without a token that holds."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if kind.lower() != "bearer" or not token:
        raise _unknown("Send a token as “Authorization: Bearer …”.")
    return _person(token) if token.startswith(PREFIX) else _client(token)


def _person(token: str) -> Caller:
    found = PersonalToken.objects.select_related("user").filter(digest=digest(token), revoked_at=None).first()
    if found is None or found.expires_on < timezone.localdate() or not found.user.is_active:
        raise _unknown("This token is not known, has expired or was revoked.")
    return Caller(found.user, f"token {found.name}"[:100], frozenset(found.scopes), PERSONAL_RATE, f"p{found.pk}")


def _client(token: str) -> Caller:
    rows = AccessToken.objects.select_related("application__user")
    found: Any = rows.filter(token_checksum=digest(token), expires__gt=timezone.now()).first()
    client = found.application if found else None
    if client is None or not client.is_usable(None):
        raise _unknown("This token is not known or has expired.")
    held = frozenset(found.scope.split()) & frozenset(client.scopes)
    return Caller(client.user, str(client)[:100], held, client.rate, f"c{client.pk}")


def _unknown(why: str) -> ApiError:
    return ApiError(401, why, headers={"WWW-Authenticate": 'Bearer realm="trunkline"'})


def require_scope(who: Caller, api: str, verb: str) -> None:
    """Raises ApiError 403 that names the scope which is missing."""
    wanted = scopes.of(api, verb)
    if wanted not in who.scopes:
        header = {"WWW-Authenticate": f'Bearer realm="trunkline", error="insufficient_scope", scope="{wanted}"'}
        raise ApiError(403, f"This token does not include the scope “{wanted}”.", headers=header)


def require_pace(name: str, rate: int) -> None:
    """Count one call in this minute. Raises ApiError 429 with Retry-After; without Redis nothing is counted."""
    now = time.time()
    if _down["until"] > now:
        return
    key = f"api:{name}:{int(now // 60)}"
    try:
        count, _ = _redis().pipeline(transaction=False).incr(key).expire(key, 120).execute()
    except (redis.RedisError, OSError):
        _down["until"] = now + BREAK
        return
    if count > rate:
        wait = 60 - int(now % 60)
        raise ApiError(
            429, f"More than {rate} calls in this minute. Try again in {wait} seconds.",
            headers={"Retry-After": str(wait)},
        )  # fmt: skip


@cache
def _redis() -> Any:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.25, socket_connect_timeout=0.25)

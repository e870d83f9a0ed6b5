"""Access: whose token it is, what it may do, and how often."""

import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from kernel.models import User
from kernel.models.people import RIGHTS
from kernel.rest import scopes
from kernel.rest.errors import ApiError
from kernel.tokenkeeping import PREFIX, digest

PERSONAL_RATE = 300  # calls a minute
BREAK = 10.0  # seconds for which a Redis that did not answer is left alone
_down = {"until": 0.0}


_BY_TOKEN = f"""
SELECT person.*, {RIGHTS}, token.scope AS asked, client.scopes AS held, client.rate, client.id AS client_key,
    COALESCE(NULLIF(client.name, ''), client.client_id) AS client_name
FROM oauth2_provider_accesstoken token JOIN kernel_apiclient client ON client.id = token.application_id
JOIN kernel_user person ON person.id = client.user_id
WHERE token.token_checksum = %s AND token.expires > %s AND client.is_active AND person.is_active
"""  # noqa: S608 – our own words
_BY_PERSONAL_TOKEN = f"""
SELECT person.*, {RIGHTS}, token.scopes AS held, token.id AS token_id, token.name AS token_name
FROM kernel_personaltoken token JOIN kernel_user person ON person.id = token.user_id
WHERE token.digest = %s AND token.expires_on >= %s AND token.revoked_at IS NULL AND person.is_active
"""  # noqa: S608 – our own words


@dataclass(frozen=True)
class Caller:
    """Who calls: the account it acts as, under which name, with which scopes and calls a minute."""

    user: User
    name: str
    scopes: frozenset[str]
    rate: int
    token: str
    since: float = field(default_factory=time.monotonic)


def caller(request: HttpRequest) -> Caller:
    """Who sent the request. Raises ApiError 401 without a token that holds."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if kind.lower() != "bearer" or not token:
        raise _unknown("Send a token as “Authorization: Bearer …”.")
    return _person(token) if token.startswith(PREFIX) else _client(token)


def _person(token: str) -> Caller:
    found = _one(_BY_PERSONAL_TOKEN, [digest(token), timezone.localdate()])
    return Caller(found, f"token {found.token_name}"[:100], frozenset(found.held), PERSONAL_RATE, f"p{found.token_id}")


def _client(token: str) -> Caller:
    found = _one(_BY_TOKEN, [digest(token), timezone.now()])
    held = frozenset(found.asked.split()) & frozenset(found.held)
    return Caller(found, found.client_name[:100], held, found.rate, f"c{found.client_key}")


def _one(sql: str, values: list[Any]) -> Any:
    """The account that a token lets act, with its rights and what the token says, in one query."""
    found: Any
    for found in User.objects.raw(sql, values):
        found.know_rights(found.role_names, found.mark_of_roles, found.mark_of_own)
        return found
    raise _unknown("This token is not known, has expired or was revoked.")


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

"""Health: whether this process can reach what it stands on."""

from collections.abc import Callable

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from redis.backoff import NoBackoff
from redis.retry import Retry

PATIENCE = 2  # seconds for a part to answer


@never_cache
@require_GET
def health(request: HttpRequest) -> JsonResponse:
    """200 when database and broker answer, else 503; names the part, never the reason, because anyone may ask."""
    parts = {"database": _works(_ask_database), "broker": _works(_ask_broker)}
    healthy = all(parts.values())
    said = {name: "ok" if works else "unreachable" for name, works in parts.items()}
    return JsonResponse({"status": "ok" if healthy else "unhealthy", **said}, status=200 if healthy else 503)


def _works(ask: Callable[[], None]) -> bool:
    try:
        ask()
    except Exception:  # whatever the reason, the part cannot be used
        return False
    return True


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_broker() -> None:
    once = Retry(NoBackoff(), 0)
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=once
    ) as client:
        client.ping()

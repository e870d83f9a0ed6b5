"""Maintenance: the whole engine is paused and goes on. Work that has begun is finished, nothing new starts."""

from django.db import transaction
from django.utils import timezone

from fulfillment import release
from fulfillment.models import Pause
from kernel import audit, writing
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal

RIGHT = "fulfillment.pause_engine"


class Paused(Conflict):
    """The engine is paused; nothing new starts."""


def current() -> Pause | None:
    """The pause in force."""
    return Pause.objects.select_related("by").filter(ended_at__isnull=True).first()


def words(pause: Pause) -> str:
    """Why nothing starts, for whoever wanted to start something."""
    since = writing.kept(timezone.localtime(pause.since), "j M H:i")
    return f"The engine is paused since {since}: {pause.reason.rstrip('.')}. Nothing new starts."


def require_running() -> None:
    """Raises Paused while a pause is in force."""
    if pause := current():
        raise Paused(words(pause))


@transaction.atomic
def pause(*, by: User | None, reason: str) -> Pause:
    """Nothing new starts from now on; `by=None` is an operator at the command line.

    Raises:
        NotPermitted: the person may not pause the engine.
        Conflict: it is paused already.
        Refusal: no reason is given.
    """
    _require_right(by)
    if not reason.strip():
        raise Refusal(problems={"reason": ["Say why, so that everybody who waits can read it."]})
    made, fresh = Pause.objects.get_or_create(
        slot=1, ended_at__isnull=True, defaults={"reason": reason.strip()[:200], "by": by}
    )
    if not fresh:
        raise Conflict(words(made))
    audit.record("engine_paused", made, by=by, reason=made.reason)
    return made


@transaction.atomic
def resume(*, by: User | None) -> Pause:
    """The engine goes on. Raises NotPermitted, Conflict when it is not paused."""
    _require_right(by)
    found: Pause | None = (
        Pause.objects.filter(ended_at__isnull=True).order_by("pk").select_for_update(of=("self",)).first()
    )
    if found is None:
        raise Conflict("The engine is not paused.")
    found.ended_at, found.ended_by = timezone.now(), by
    found.save(update_fields=["ended_at", "ended_by"])
    audit.record("engine_resumed", found, by=by)
    release.wake()
    return found


def _require_right(by: User | None) -> None:
    if by is not None and not by.has_perm(RIGHT):
        raise NotPermitted("Your roles do not include the right to pause the engine.")

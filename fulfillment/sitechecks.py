"""Site checks at partners: asked over HTTP without a lock held, answered later by callback, asked after when silent.

A check is claimed by putting off its next try; that is committed before the call. The key of a check is its number, so
a partner does the work once however often it is asked. An answer counts once, whichever way it comes first.
"""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from cmdb import feasibility
from cmdb.models import FeasibilityCheck
from fulfillment import adapters, calling
from fulfillment.adapters import Answer, Call
from fulfillment.models import Callback
from kernel import clash

SYSTEM, OPERATION = "feasibility", "site.check"
BATCH = 16
THREADS = 8
LEASE = dt.timedelta(seconds=20)  # longer than the client's timeouts
SILENCE = dt.timedelta(minutes=2)  # after which an accepted check is asked after
MOST_TRIES = 8
OUTPUTS = ("result", "technology", "lead_days", "build_cost", "max_mbps")
DUE = """
    EXISTS (SELECT 1 FROM cmdb_feasibilitycheck WHERE provider <> '' AND result = 'open' AND next_try_at <= now())
"""


def ask_due() -> int:
    """Ask partners for every check whose time has come; how many were asked."""
    asked = 0
    while claims := clash.again(_take):
        with ThreadPoolExecutor(min(THREADS, len(claims))) as pool:
            answers = list(pool.map(_call, claims))
        for check, answer in zip(claims, answers, strict=True):
            _settle(check, answer)
        asked += len(claims)
    return asked


@transaction.atomic
def receive(event_id: str, payload: dict[str, Any]) -> str:
    """Take a partner's message about a check: completed, failed, noted, repeat or none; a repeat has no effect."""
    kept, new = Callback.objects.get_or_create(
        system=SYSTEM, event_id=event_id[:80], defaults={"payload": payload, "effect": "none"}
    )
    if not new:
        return "repeat"
    number = str(payload.get("key", ""))[:20]
    check = FeasibilityCheck.objects.filter(number=number).exclude(provider="").first()
    if check is None:
        return "none"
    answer = adapters.named(SYSTEM).read_callback(payload)
    kept.effect = {"done": "completed", "rejected": "failed"}.get(answer.outcome, "noted")
    if answer.outcome in ("done", "rejected") and not _take_answer(check, answer):
        kept.effect = "none"
    kept.save(update_fields=["effect"])
    return kept.effect


@transaction.atomic
def _take() -> list[FeasibilityCheck]:
    now = timezone.now()
    rows = FeasibilityCheck.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        result=FeasibilityCheck.Result.OPEN, provider__gt="", next_try_at__lte=now
    )
    found = list(rows.select_related("site", "offering", "account").order_by("next_try_at", "id")[:BATCH])
    FeasibilityCheck.objects.filter(pk__in=[check.pk for check in found]).update(
        attempts=F("attempts") + 1, next_try_at=now + LEASE
    )
    return found


def _call(check: FeasibilityCheck) -> Answer:
    """Runs in a thread and touches no database."""
    site, adapter = check.site, adapters.named(SYSTEM)
    call = Call(
        key=str(check.number), task=str(check.number), system=SYSTEM, operation=OPERATION,
        inputs={**check.asked, "distance_m": check.distance_m, "mbps": feasibility.mbps(check.asked)},
        context={
            "wanted": list(OUTPUTS), "offering": check.offering.key,
            "site": {"code": site.code, "name": site.name, "address": site.address, "country": site.country,
                     "latitude": str(site.latitude), "longitude": str(site.longitude)},
        },
    )  # fmt: skip
    known = adapter.query(call) if check.attempts else None
    return known if known is not None and known.outcome in ("done", "accepted") else adapter.do(call)


def _settle(check: FeasibilityCheck, answer: Answer) -> None:
    if answer.outcome in ("done", "rejected") and (answer.outputs or answer.outcome == "rejected"):
        _take_answer(check, answer)
        return
    tries = check.attempts + 1
    wait = SILENCE if answer.outcome in ("accepted", "done") else calling.backoff(tries)
    given_up = tries >= MOST_TRIES
    reason = "The partner does not answer; ask again, or check by hand." if given_up else check.reason
    FeasibilityCheck.objects.filter(pk=check.pk, result=FeasibilityCheck.Result.OPEN).update(
        next_try_at=None if given_up else timezone.now() + wait, reason=reason[:200]
    )


def _take_answer(check: FeasibilityCheck, answer: Answer) -> bool:
    if answer.outcome == "rejected":
        return feasibility.refused_by_partner(check_id=check.pk, reason=answer.detail or answer.cause)
    return feasibility.answered_by_partner(check_id=check.pk, told=answer.outputs)

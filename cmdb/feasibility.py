"""Feasibility: whether the network reaches a site, by when, and what building it costs (TMF645).

Our own rules answer at once: the great-circle distance to the nearest point of presence that fits goes through the
decision table "feasibility". An answer holds for 90 days; asking again makes a new check, old ones stay as they were.
"""

import datetime as dt
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog.models import Offering
from cmdb import events
from cmdb.models import FeasibilityCheck, PointOfPresence
from crm.models import Site
from kernel import audit, decisions, jobs, numbering, outbox
from kernel.models import User
from kernel.money import rounded
from kernel.refusal import Refusal

TABLE = "feasibility"
VALID_DAYS = 90
PARTNER_VALID_DAYS = 30
EARTH_M = 6_371_008.8
UNITS = {"K": 0.001, "M": 1.0, "G": 1000.0, "T": 1_000_000.0}
BANDWIDTH = ("bandwidth", "speed", "throughput")
STEPS = (100, 500, 1000, 10_000)  # Mbit/s that are proposed instead
Result = FeasibilityCheck.Result
ANSWERS = (Result.ON_NET, Result.NEAR_NET, Result.OFF_NET, Result.IMPOSSIBLE)


class NoRules(Refusal):
    """Nobody has said how far the network reaches."""


@dataclass(frozen=True)
class _Pop:
    row: PointOfPresence
    latitude: float
    longitude: float


@transaction.atomic
def check_many(
    *, site_ids: Iterable[int], offering_id: int, asked: dict[int, dict[str, Any]] | dict[str, Any], by: User | None
) -> list[FeasibilityCheck]:
    """Answer for many sites at once, in the order of their keys.

    `asked` holds the characteristics asked for, the same for all sites or by site. A site without coordinates stays
    open with the reason.

    Raises:
        NoRules: there is no active decision table "feasibility".
    """
    ask = decisions.reader(TABLE)
    if ask is None:
        raise NoRules("Feasibility cannot be checked: the decision table “feasibility” is missing.")
    offering = Offering.objects.get(pk=offering_id)
    sites = list(Site.objects.filter(pk__in=set(site_ids)).order_by("pk"))
    pops = [_Pop(row, math.radians(row.latitude), math.radians(row.longitude)) for row in PointOfPresence.objects.all()]
    numbers = numbering.take_many("FEA", len(sites)) if sites else []
    checks = []
    for number, site in zip(numbers, sites, strict=True):
        wanted = asked.get(site.pk, asked) if all(isinstance(k, int) for k in asked) else asked
        check = FeasibilityCheck(
            number=number, site=site, account_id=site.account_id, offering=offering, asked=_plain(wanted)
        )
        _answer(check, site, offering, pops, ask)
        checks.append(check)
    FeasibilityCheck.objects.bulk_create(checks)
    if any(check.provider for check in checks):
        jobs.wake("fulfillment.tasks.ask_partners")
    audit.record_many("checked", checks, by=by)
    return checks


@transaction.atomic
def answered_by_partner(*, check_id: int, told: dict[str, Any]) -> bool:
    """Take what a partner says of an open check; False when it has its answer already, which then stays.

    `told` holds result, technology, lead_days, build_cost and max_mbps; an unknown result counts as impossible.
    """
    check = FeasibilityCheck.objects.select_for_update().get(pk=check_id)
    if check.result != Result.OPEN:
        return False
    result = str(told.get("result") or "")
    check.result = result if result in ANSWERS else Result.IMPOSSIBLE
    check.technology = str(told.get("technology") or "")[:20]
    check.lead_days, check.max_mbps = _count(told.get("lead_days")), _count(told.get("max_mbps"))
    check.build_cost = _cost(told.get("build_cost"))
    check.reason = "The partner’s network reaches the site."
    if check.max_mbps and mbps(check.asked) > check.max_mbps:
        check.result, check.reason = (
            Result.IMPOSSIBLE,
            f"The partner’s line carries {told_mbps(check.max_mbps)} at most.",
        )
        check.alternatives = [_partners(check, step) for step in STEPS if step <= check.max_mbps]
    elif check.result == Result.IMPOSSIBLE:
        check.reason = "The partner does not reach the site."
    _close(check)
    return True


@transaction.atomic
def refused_by_partner(*, check_id: int, reason: str) -> bool:
    """The partner will not answer, whatever the number of tries; False when there is an answer already."""
    check = FeasibilityCheck.objects.select_for_update().get(pk=check_id)
    if check.result != Result.OPEN:
        return False
    check.result, check.reason = Result.IMPOSSIBLE, f"The partner refused: {reason}"[:200]
    _close(check)
    return True


def _close(check: FeasibilityCheck) -> None:
    check.answered_at, check.next_try_at = timezone.now(), None
    check.valid_until = timezone.localdate() + dt.timedelta(days=PARTNER_VALID_DAYS)
    check.save()
    audit.record("answered", check, by=None, changes={"result": [Result.OPEN, str(check.result)]})
    outbox.publish(events.SiteChecked(check_id=check.pk))


def _count(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return number if 0 < number < 2**31 else None


def _cost(value: Any) -> Decimal:
    try:
        amount = Decimal(str(value or 0))
    except InvalidOperation:
        return Decimal(0)
    return rounded(amount, "EUR") if amount.is_finite() and 0 <= amount < 10**10 else Decimal(0)


def _partners(check: FeasibilityCheck, step: int) -> dict[str, Any]:
    return {
        "bandwidth": told_mbps(step), "result": Result.NEAR_NET, "lead_days": check.lead_days,
        "build_cost": str(check.build_cost),
    }  # fmt: skip


def still_valid(check: FeasibilityCheck | None, asked: dict[str, Any], today: dt.date | None = None) -> bool:
    """Whether the answer is there, not too old, and for at least this bandwidth."""
    if check is None or check.result in (Result.OPEN,) or check.valid_until is None:
        return False
    return check.valid_until >= (today or timezone.localdate()) and mbps(asked) == mbps(check.asked)


def waits(check: FeasibilityCheck, asked: dict[str, Any]) -> bool:
    """Whether a partner is being asked for this bandwidth, so that asking once more would be in vain."""
    asking = bool(check.provider) and check.result == Result.OPEN and check.next_try_at is not None
    return asking and mbps(asked) == mbps(check.asked)


def latest(pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], FeasibilityCheck]:
    """The newest check of each (site, offering), in one query."""
    wanted = set(pairs)
    rows = (
        FeasibilityCheck.objects.filter(site__in={s for s, _ in wanted}, offering__in={o for _, o in wanted})
        .order_by("site_id", "offering_id", "-id")
        .distinct("site_id", "offering_id")
        .select_related("pop")
    )
    return {(row.site_id, row.offering_id): row for row in rows if (row.site_id, row.offering_id) in wanted}


def mbps(asked: dict[str, Any]) -> int:
    """The bandwidth in a configuration such as {"bandwidth": "1G"}; 0 when it names none."""
    text = next((str(asked[name]) for name in BANDWIDTH if asked.get(name)), "")
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT])(?:bit/s|bps)?", text.strip(), re.IGNORECASE)
    return round(float(found.group(1)) * UNITS[found.group(2).upper()]) if found else 0


def distance_m(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> int:
    """Great-circle distance in metres; all angles in radians."""
    half = (
        math.sin((to_latitude - latitude) / 2) ** 2
        + math.cos(latitude) * math.cos(to_latitude) * math.sin((to_longitude - longitude) / 2) ** 2
    )
    return round(2 * EARTH_M * math.asin(math.sqrt(min(1.0, half))))


def _plain(asked: dict[Any, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in asked.items()}


def _answer(check: FeasibilityCheck, site: Site, offering: Offering, pops: list[_Pop], ask: Any) -> None:
    if site.latitude is None or site.longitude is None:
        check.reason = "The site has no coordinates yet. Add them and check again."
        return
    here = math.radians(site.latitude), math.radians(site.longitude)
    wanted = mbps(check.asked)
    near = sorted(((distance_m(*here, p.latitude, p.longitude), p.row.pk, p.row) for p in pops), key=lambda t: t[:2])
    fitting = next(((metres, row) for metres, _, row in near if row.max_mbps >= wanted), None)
    check.answered_at = timezone.now()
    check.valid_until = timezone.localdate() + dt.timedelta(days=VALID_DAYS)
    if fitting is None:
        check.result, check.reason = Result.IMPOSSIBLE, "No point of presence carries this bandwidth."
        check.alternatives = [_smaller(step, near) for step in STEPS if near and step <= near[0][2].max_mbps]
        return
    metres, pop = fitting
    _judge(check, facts_of(metres, wanted, site, offering), pop, ask)
    if check.provider:
        check.result, check.answered_at, check.valid_until = Result.OPEN, None, None
        check.lead_days, check.next_try_at = None, timezone.now()
        check.reason = check.reason or "A partner is asked whether its network reaches the site."
        return
    check.alternatives = _alternatives(check, site, offering, near, ask)


def facts_of(metres: int, wanted: int, site: Site, offering: Offering) -> dict[str, Any]:
    """What the decision table is asked with."""
    return {
        "distance_m": metres, "mbps": wanted, "region": site.region, "country": site.country, "offering": offering.key,
    }  # fmt: skip


def _judge(check: FeasibilityCheck, facts: dict[str, Any], pop: PointOfPresence, ask: Any) -> None:
    """Let the table decide; what it does not name is nothing."""
    rows = ask(facts)
    found = rows[0] if rows else {"result": Result.IMPOSSIBLE, "reason": "No rule covers a site this far away."}
    metres = facts["distance_m"]
    check.provider = str(found.get("provider") or "")[:20]
    check.result = str(found.get("result") or Result.IMPOSSIBLE)
    check.technology = str(found.get("technology") or (pop.technologies or [""])[0])[:20]
    check.pop, check.distance_m = pop, metres
    check.lead_days = int(found.get("lead_days") or 0) or None
    check.max_mbps = int(found.get("max_mbps") or pop.max_mbps)
    check.build_cost = _build_cost(found, metres)
    check.reason = str(found.get("reason") or "")[:200]
    if facts["mbps"] > check.max_mbps:
        check.result = Result.IMPOSSIBLE
        check.reason = f"The line carries {told_mbps(check.max_mbps)} at most."


def _build_cost(found: dict[str, Any], metres: int) -> Decimal:
    fixed, each = (Decimal(str(found.get(name) or 0)) for name in ("build_fixed", "build_per_metre"))
    return rounded(fixed + each * metres, "EUR")


def _alternatives(
    check: FeasibilityCheck, site: Site, offering: Offering, near: list[Any], ask: Any
) -> list[dict[str, Any]]:
    """Bandwidths that the nearest place carries sooner or cheaper, when the wanted one is not on-net."""
    if check.result == Result.ON_NET or not near:
        return []
    metres, _, pop = near[0]
    found = []
    for step in STEPS:
        if step >= mbps(check.asked) or step > pop.max_mbps:
            continue
        other = FeasibilityCheck(site=site, offering=offering, asked={"bandwidth": told_mbps(step)})
        _judge(other, facts_of(metres, step, site, offering), pop, ask)
        better = other.result not in (Result.IMPOSSIBLE, check.result) or other.build_cost < check.build_cost
        if other.result != Result.IMPOSSIBLE and (better or check.result == Result.IMPOSSIBLE):
            found.append({
                "bandwidth": told_mbps(step), "result": str(other.result), "lead_days": other.lead_days,
                "build_cost": str(other.build_cost),
            })  # fmt: skip
    return found


def _smaller(step: int, near: list[Any]) -> dict[str, Any]:
    return {"bandwidth": told_mbps(step), "result": "", "lead_days": None, "build_cost": "0", "distance_m": near[0][0]}


def told_mbps(speed: int) -> str:
    """Mbit/s as people write bandwidths: 500M, 1G."""
    return f"{speed // 1000}G" if speed >= 1000 and speed % 1000 == 0 else f"{speed}M"

"""Checks: the financial and operational facts about an order that its approvers decide on, and warnings in words."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum
from django.utils import timezone

from catalog import composition
from cmdb.models import FeasibilityCheck, Product
from kernel import workdays
from orders import facts
from orders.models import Order, OrderLine

Sites = dict[int | None, set[int]]
LIVING = (Product.State.PENDING_ACTIVE, Product.State.ACTIVE, Product.State.SUSPENDED)


@dataclass(frozen=True)
class Checked:
    """What was found: `about` feeds the decision table “order_approval”, `warnings` are read by people."""

    about: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


def of(order: Order) -> Checked:
    """Check one order; a constant number of queries whatever its size."""
    lines = list(
        order.lines.select_related("offering", "specification", "site", "quote_line").order_by("position", "id")
    )
    financial = _financial(order)
    operational, warnings = _operational(order, lines)
    clashes = [clash.text for clash in horizontal(order, lines)]
    said = list(dict.fromkeys([*_financial_words(financial), *warnings, *clashes]))
    about = {
        **financial, **operational, "warnings": len(clashes), "lines": len(lines),
        "sites": len({line.site_id for line in lines if line.site_id}), "channel": order.channel,
        "term": order.term_months, "tier": order.account.tier, "segment": order.account.segment,
        "from_quote": bool(order.quote_id),
    }  # fmt: skip
    return Checked(about, said)


def horizontal(order: Order, lines: list[OrderLine]) -> list[composition.Clash]:
    """What the order would break between its products and those installed at the customer.

    A rule that its own products break counts, and one that was kept until now: an excluded product beside an installed
    one, or the end of something that another product needs.
    """
    ending = {line.product_id for line in lines if line.action == "delete"}
    before: Sites = defaultdict(set)
    after: Sites = defaultdict(set)
    for line in lines:
        if line.action != "delete":
            after[line.site_id].add(line.specification_id)
    ordered = {(site, key) for site, keys in after.items() for key in keys}
    installed = Product.objects.filter(account__root=order.account.root_id, state__in=LIVING)
    standing = installed.exclude(order_number=order.number)
    _add(before, standing)
    _add(after, standing.exclude(pk__in=ending) if ending else standing)
    rules = composition.rules_of({key for sites in (before, after) for here in sites.values() for key in here})
    known = {(c.site_id, c.specification_id, c.text) for c in composition.broken(rules, before)}
    return [
        clash for clash in composition.broken(rules, after)
        if (clash.site_id, clash.specification_id) in ordered
        or (clash.site_id, clash.specification_id, clash.text) not in known
    ]  # fmt: skip


def _add(sites: Sites, products: QuerySet[Product]) -> None:
    """What specifications there are at which site; of many products of one kind the database tells once."""
    for site, key in products.order_by().values_list("site", "specification").distinct():
        sites[site].add(key)


def _financial(order: Order) -> dict[str, Any]:
    root = order.account.root or order.account
    running = Product.objects.filter(account__root=root.pk, state__in=LIVING).exclude(order_number=order.number)
    running_total = running.aggregate(total=Sum("monthly"))["total"] or Decimal(0)
    waiting = Order.objects.filter(account__root=root.pk, state=Order.State.AWAITING_APPROVAL).exclude(pk=order.pk)
    waiting_total = waiting.aggregate(total=Sum("monthly"))["total"] or Decimal(0)
    exposure = order.monthly + running_total + waiting_total
    return {
        "monthly": float(order.monthly), "one_time": float(order.one_time), "exposure": float(exposure),
        "credit_limit": float(root.credit_limit),
        "over_limit": bool(root.credit_limit) and exposure > root.credit_limit, "overdue": float(root.overdue_amount),
        "currency": order.currency,
    }  # fmt: skip


def _financial_words(found: dict[str, Any]) -> list[str]:
    said = []
    if found["over_limit"]:
        said.append(
            f"Monthly exposure of {found['exposure']:,.0f} {found['currency']} is over the credit limit of "
            f"{found['credit_limit']:,.0f}."
        )
    if found["overdue"]:
        said.append(f"{found['overdue']:,.0f} {found['currency']} are overdue.")
    return said


def _operational(order: Order, lines: list[OrderLine]) -> tuple[dict[str, Any], list[str]]:
    today = timezone.localdate()
    checks = facts.feasibility_of(lines)
    needing = [line for line in lines if line.offering.needs_feasibility and line.action in ("add", "move", "modify")]
    stale = [line for line in needing if not _fresh(checks.get(line.pk), today)]
    impossible = [line for line in needing if _result(checks.get(line.pk)) == FeasibilityCheck.Result.IMPOSSIBLE]
    off_net = {line.site_id for line in needing if _result(checks.get(line.pk)) == FeasibilityCheck.Result.OFF_NET}
    lead = max((checks[line.pk].lead_days or 0 for line in lines if line.pk in checks), default=0)
    asked = workdays.calendar().between(today, order.requested_on) if order.requested_on else None
    late = asked is not None and asked < lead
    said = []
    if stale:
        said.append(f"{_count(len(stale), 'line')} without a feasibility check that still holds.")
    if impossible:
        said.append(f"{_count(len(impossible), 'line')} cannot be delivered as configured, says feasibility.")
    if late:
        said.append(f"The requested date is {asked} working days away; access alone takes {lead}.")
    return {
        "stale_feasibility": len(stale), "infeasible": len(impossible), "off_net_sites": len(off_net),
        "lead_days": lead, "days_asked": asked if asked is not None else 9999, "date_achievable": not late,
    }, said  # fmt: skip


def _fresh(check: FeasibilityCheck | None, today: Any) -> bool:
    if check is None or check.result == FeasibilityCheck.Result.OPEN:
        return False
    return check.valid_until is None or check.valid_until >= today


def _result(check: FeasibilityCheck | None) -> str:
    return check.result if check else ""


def _count(number: int, word: str) -> str:
    return f"1 {word} is" if number == 1 else f"{number} {word}s are"

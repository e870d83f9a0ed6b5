"""Checks: the financial and operational facts about an order that its approvers decide on, and warnings in words."""

import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Count, Sum
from django.utils import timezone

from catalog import composition
from cmdb.models import FeasibilityCheck, Product
from crm.models import Account
from kernel import workdays
from orders import facts
from orders.models import Order, OrderLine

Sites = dict[int | None, set[int]]
Place = tuple[str, int | None, int]  # the order that brought it, the site, the specification
LIVING = (Product.State.PENDING_ACTIVE, Product.State.ACTIVE, Product.State.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Living:
    """Products of one customer that one order brought to one site, all of one kind."""

    root: int
    order: str
    site: int | None
    kind: int
    count: int
    monthly: Decimal


@dataclass(frozen=True)
class Checked:
    """What was found: `about` feeds the decision table “order_approval”, `warnings` are read by people."""

    about: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


def of(order: Order, lines: list[OrderLine] | None = None) -> Checked:
    """Check one order; a constant number of queries whatever its size. `lines` are its own, where they are at hand."""
    return of_many([order], None if lines is None else {order.pk: lines})[order.pk]


def of_many(orders: Iterable[Order], lines: dict[int, list[OrderLine]] | None = None) -> dict[int, Checked]:
    """Check orders, each with its account and root loaded; a constant number of queries however many they are."""
    orders = list(orders)
    lines = _lines(orders) if lines is None else lines
    living = _living(orders)
    exposure = _exposure(orders, living)
    checks = facts.feasibility_of(line for its in lines.values() for line in its)
    calendar = functools.cache(workdays.calendar)
    clashes = _clashes(orders, lines, living)
    found = {}
    for order in orders:
        its = lines[order.pk]
        about = at_hand(order, its, calendar) | exposure[order.pk]
        operational, warnings = _operational(about["days_asked"], its, checks)
        texts = [clash.text for clash in clashes[order.pk]]
        about |= {**operational, "warnings": len(texts)}
        found[order.pk] = Checked(about, list(dict.fromkeys([*_financial_words(about), *warnings, *texts])))
    return found


def at_hand(
    order: Order, lines: list[OrderLine], calendar: Callable[[], workdays.Calendar] = workdays.calendar
) -> dict[str, Any]:
    """What can be said without looking at the customer's other orders and products, or at feasibility."""
    account = order.account
    head = _head(account)
    asked = calendar().between(timezone.localdate(), order.requested_on) if order.requested_on else None
    return {
        "monthly": float(order.monthly), "one_time": float(order.one_time), "currency": order.currency,
        "credit_limit": float(head.credit_limit), "overdue": float(head.overdue_amount),
        "lines": len(lines), "sites": len({line.site_id for line in lines if line.site_id}),
        "channel": order.channel, "term": order.term_months, "tier": account.tier, "segment": account.segment,
        "from_quote": bool(order.quote_id), "days_asked": asked if asked is not None else 9999,
    }  # fmt: skip


def _head(account: Account) -> Account:
    """The legal entity of an account."""
    return account if account.root_id in (None, account.pk) else account.root or account


def _lines(orders: list[Order]) -> dict[int, list[OrderLine]]:
    found: dict[int, list[OrderLine]] = {order.pk: [] for order in orders}
    rows = OrderLine.objects.filter(order__in=found).order_by("position", "id")
    for line in rows.select_related("offering", "specification", "site", "quote_line"):
        found[line.order_id].append(line)
    return found


def _living(orders: list[Order]) -> list[Living]:
    """What these customers have, counted and summed by what brought it, where and of what kind it is."""
    roots = {order.account.root_id or order.account_id for order in orders}
    rows = Product.objects.filter(account__root__in=roots, state__in=LIVING).order_by()
    by = rows.values_list("account__root", "order_number", "site", "specification")
    return [Living(*row) for row in by.annotate(Count("pk"), Sum("monthly"))]


def horizontal(order: Order, lines: list[OrderLine]) -> list[composition.Clash]:
    """What the order would break between its products and those installed at the customer.

    A rule that its own products break counts, and one that was kept until now: an excluded product beside an installed
    one, or the end of something that another product needs.
    """
    return _clashes([order], {order.pk: lines}, _living([order]))[order.pk]


def _clashes(
    orders: list[Order], lines: dict[int, list[OrderLine]], living: list[Living]
) -> dict[int, list[composition.Clash]]:
    ends: dict[int | None, list[int]] = defaultdict(list)
    for pk, its in lines.items():
        for line in its:
            if line.action == "delete":
                ends[line.product_id].append(pk)
    installed: dict[int, Counter[Place]] = defaultdict(Counter)  # by root, with the order that brought them
    for one in living:
        installed[one.root][one.order, one.site, one.kind] = one.count
    ending: dict[int, Counter[Place]] = defaultdict(Counter)  # by order
    going = Product.objects.filter(pk__in=list(ends), state__in=LIVING) if ends else Product.objects.none()
    for product, number, site, kind in going.values_list("pk", "order_number", "site", "specification"):
        for pk in ends[product]:
            ending[pk][number, site, kind] += 1
    worlds = {order.pk: _before_and_after(order, lines[order.pk], installed, ending[order.pk]) for order in orders}
    kinds = {kind for sides in worlds.values() for sites in sides for here in sites.values() for kind in here}
    rules = composition.rules_of(kinds)
    return {order.pk: _new_clashes(rules, lines[order.pk], *worlds[order.pk]) for order in orders}


def _before_and_after(
    order: Order, lines: list[OrderLine], installed: Mapping[int, Counter[Place]], ending: Counter[Place]
) -> tuple[Sites, Sites]:
    """What specifications there are at which site without the order, and with it."""
    before: Sites = defaultdict(set)
    after: Sites = defaultdict(set)
    for line in lines:
        if line.action != "delete":
            after[line.site_id].add(line.specification_id)
    for place, count in installed.get(order.account.root_id or 0, Counter()).items():
        number, site, kind = place
        if number != order.number:
            before[site].add(kind)
            if count > ending[place]:
                after[site].add(kind)
    return before, after


def _new_clashes(
    rules: list[composition.Rule], lines: list[OrderLine], before: Sites, after: Sites
) -> list[composition.Clash]:
    ordered = {(line.site_id, line.specification_id) for line in lines if line.action != "delete"}
    known = {(c.site_id, c.specification_id, c.text) for c in composition.broken(rules, before)}
    return [
        clash for clash in composition.broken(rules, after)
        if (clash.site_id, clash.specification_id) in ordered
        or (clash.site_id, clash.specification_id, clash.text) not in known
    ]  # fmt: skip


def _exposure(orders: list[Order], living: list[Living]) -> dict[int, dict[str, Any]]:
    """What the customer pays each month, by now and with what waits for approval, beside what is allowed."""
    roots = {order.account.root_id or order.account_id for order in orders}
    running: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    for one in living:
        running[one.root, one.order] += one.monthly
    waiting = list(
        Order.objects.filter(account__root__in=roots, state=Order.State.AWAITING_APPROVAL)
        .values_list("account__root", "pk", "monthly")
    )  # fmt: skip
    found = {}
    for order in orders:
        head = _head(order.account)
        exposure = order.monthly
        exposure += sum(sum_ for (its, number), sum_ in running.items() if its == head.pk and number != order.number)
        exposure += sum(monthly for its, pk, monthly in waiting if its == head.pk and pk != order.pk)
        over = bool(head.credit_limit) and exposure > head.credit_limit
        found[order.pk] = {"exposure": float(exposure), "over_limit": over}
    return found


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


def _operational(
    asked: int, lines: list[OrderLine], checks: dict[int, FeasibilityCheck]
) -> tuple[dict[str, Any], list[str]]:
    """`asked` is how many working days there are until the wanted date."""
    today = timezone.localdate()
    needing = [line for line in lines if line.offering.needs_feasibility and line.action in ("add", "move", "modify")]
    stale = [line for line in needing if not _fresh(checks.get(line.pk), today)]
    impossible = [line for line in needing if _result(checks.get(line.pk)) == FeasibilityCheck.Result.IMPOSSIBLE]
    off_net = {line.site_id for line in needing if _result(checks.get(line.pk)) == FeasibilityCheck.Result.OFF_NET}
    lead = max((checks[line.pk].lead_days or 0 for line in lines if line.pk in checks), default=0)
    late = asked < lead
    said = []
    if stale:
        said.append(f"{_count(len(stale), 'line')} without a feasibility check that still holds.")
    if impossible:
        said.append(f"{_count(len(impossible), 'line')} cannot be delivered as configured, says feasibility.")
    if late:
        said.append(f"The requested date is {asked} working days away; access alone takes {lead}.")
    return {
        "stale_feasibility": len(stale), "infeasible": len(impossible), "off_net_sites": len(off_net),
        "lead_days": lead, "date_achievable": not late,
    }, said  # fmt: skip


def _fresh(check: FeasibilityCheck | None, today: Any) -> bool:
    if check is None or check.result == FeasibilityCheck.Result.OPEN:
        return False
    return check.valid_until is None or check.valid_until >= today


def _result(check: FeasibilityCheck | None) -> str:
    return check.result if check else ""


def _count(number: int, word: str) -> str:
    return f"1 {word} is" if number == 1 else f"{number} {word}s are"

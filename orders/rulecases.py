"""Rule cases: what orders know when they ask decision tables, and real orders and lines to try a changed table on."""

from collections.abc import Iterable

from catalog import configuration
from catalog.models import Characteristic, Specification
from kernel.models import User
from kernel.roles import ROLES
from kernel.tableuse import Case, Check, Fact, Use
from orders import approval, checks, facts, filling, weighting
from orders.models import EnrichmentFlow, Order, OrderLine

FACTS = (
    Fact("monthly", "Monthly value", "number"), Fact("one_time", "One-time value", "number"),
    Fact("exposure", "Exposure", "number"), Fact("credit_limit", "Credit limit", "number"),
    Fact("over_limit", "Over the credit limit", "boolean"), Fact("overdue", "Overdue amount", "number"),
    Fact("stale_feasibility", "Lines without a fresh check", "number"),
    Fact("infeasible", "Lines that are not possible", "number"), Fact("off_net_sites", "Sites to be built", "number"),
    Fact("lead_days", "Lead time, days", "number"), Fact("days_asked", "Days to the wanted date", "number"),
    Fact("date_achievable", "The wanted date can be met", "boolean"), Fact("warnings", "Warnings", "number"),
    Fact("lines", "Lines", "number"), Fact("sites", "Sites", "number"), Fact("channel", "Channel"),
    Fact("term", "Term, months", "number"), Fact("tier", "Tier of the customer"),
    Fact("segment", "Segment of the customer"), Fact("from_quote", "From a quote", "boolean"),
)  # fmt: skip
ANSWERS = (
    Fact("role", "Who approves", "text", tuple(ROLES)), Fact("because", "Because"),
    Fact("sequence", "Sequence", "number"),
)  # fmt: skip


def _within(low: float, high: float, name: str) -> Check:
    return lambda value: "" if isinstance(value, int | float) and low <= value <= high else (
        f"{name} is a number from {low:g} to {high:g}."
    )  # fmt: skip


FACTORS = (
    Fact("rank", "Rank, 0 to 100", "number", check=_within(0, 100, "A rank")),
    Fact("weight", "Weight", "number", check=_within(0, 1000, "A weight")),
    Fact("because", "Because"),
)
_TYPES = {"number": "number", "boolean": "boolean"}


def _orders(key: str, limit: int, user: User) -> Iterable[Case]:
    rows = Order.objects.visible_to(user).exclude(state=Order.State.DRAFT).select_related("account__root")
    orders = list(rows.order_by("-id")[:limit])
    found = checks.of_many(orders)
    for order in orders:
        yield Case(str(order), found[order.pk].about, order.get_absolute_url())


def of_specification(key: str, sources: tuple[str, ...]) -> list[Fact]:
    """Characteristics of the active product of that key as facts; of every active product for an empty key."""
    specifications = Specification.objects.filter(state="active", kind="product", **({"key": key} if key else {}))
    rows = Characteristic.objects.filter(specification__in=specifications, source__in=sources).order_by("position")
    return [
        Fact(c.key, c.name, _TYPES.get(c.type, "text"),
             tuple(str(one["value"] if isinstance(one, dict) else one) for one in c.choices), _fits(c))
        for c in rows
    ]  # fmt: skip


def _fits(characteristic: Characteristic) -> Check:
    return lambda value: next(iter(configuration.check(characteristic, value)), "")


def _looked_at(key: str) -> list[Fact]:
    specification = key.partition(":")[2]
    return [*of_specification(specification, ("customer", "enrichment")), *facts.KNOWN]


def _filled(key: str) -> list[Fact]:
    return of_specification(key.partition(":")[2], ("enrichment",))


def _lines(key: str, limit: int, user: User) -> Iterable[Case]:
    """The newest submitted lines of the product, or of every product, as enrichment saw them."""
    rows = OrderLine.objects.filter(order__in=Order.objects.visible_to(user).exclude(state="draft"))
    if specification := key.partition(":")[2]:
        rows = rows.filter(specification__key=specification)
    newest = list(
        rows.select_related("order__account", "specification", "offering", "site", "quote_line")
        .prefetch_related("specification__characteristics").order_by("-order_id", "position", "id")[:limit]
    )  # fmt: skip
    by_order: dict[int, list[OrderLine]] = {}
    for line in newest:
        by_order.setdefault(line.order_id, []).append(line)
    for lines in by_order.values():
        order = lines[0].order
        about = facts.of_lines(order, lines)
        for line in lines:
            wanted = filling.wanted_of(line.specification)
            values = {name: value for name, value in line.characteristics.items() if name not in wanted}
            where = f", {line.site.name}" if line.site else ""
            yield Case(
                f"{order.number} line {line.position}{where}", {**about[line.pk], **values}, order.get_absolute_url()
            )


def _needed(key: str) -> list[str]:
    """The product's own table is asked as long as no flow of the product is in force."""
    specification = key.partition(":")[2]
    named = Specification.objects.filter(key=specification, state="active").first()
    if named is None or any(flow.specification == specification for flow in EnrichmentFlow.objects.in_force()):
        return []
    return [f"Orders of {named.name} are filled by it."]


def _in_flows() -> set[str]:
    return {step.get("table", "") for flow in EnrichmentFlow.objects.in_force() for step in flow.steps}


def _needed_by_flows(key: str) -> list[str]:
    return [
        f"Step {number} of the enrichment flow “{flow.title}” asks it."
        for flow in EnrichmentFlow.objects.in_force()
        for number, step in enumerate(flow.steps, 1)
        if step.get("table") == key
    ]


USES = (
    Use(
        approval.TABLE, "Order approval", "Who has to agree to an order, and why.", facts=lambda key: FACTS,
        answers=lambda key: ANSWERS, cases=_orders,
        needed=lambda key: ["Every order asks it; without it every order is looked at by an approver."],
    ),
    Use(
        weighting.TABLE, "Order priority", "How urgent an order is: the weighted mean of the rows that match.",
        facts=lambda key: FACTS, answers=lambda key: FACTORS, cases=_orders,
    ),
    Use(
        "enrichment:*", "Enrichment", "Technical data of a product before decomposition.", facts=_looked_at,
        answers=_filled, cases=_lines, needed=_needed,
    ),
    Use(
        "", "Enrichment flows", "Technical data of order lines, step by step.", facts=_looked_at, answers=_filled,
        cases=_lines, needed=_needed_by_flows, keys=_in_flows,
    ),
)  # fmt: skip

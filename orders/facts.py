"""Facts: what rules may ask about an order line besides its characteristics: place, feasibility, customer, terms."""

from collections.abc import Iterable
from typing import Any

from cmdb.models import FeasibilityCheck
from kernel.tableuse import Fact
from orders.models import Order, OrderLine

# What `of_lines` knows of every line, for those who write rules.
KNOWN = (
    Fact("tier", "Tier of the customer"), Fact("segment", "Segment of the customer"), Fact("channel", "Channel"),
    Fact("term", "Term, months", "number"), Fact("currency", "Currency"), Fact("sites", "Sites of the order", "number"),
    Fact("action", "Action of the line", "text", ("add", "modify", "move", "delete", "suspend", "resume")),
    Fact("quantity", "Quantity", "number"), Fact("position", "Position of the line", "number"),
    Fact("offering", "Offering"), Fact("monthly", "Monthly price", "number"), Fact("country", "Country"),
    Fact("region", "Region", "text", ("metro", "regional", "remote")), Fact("city", "City"),
    Fact("site_code", "Site code"), Fact("site_name", "Site"),
    Fact("feasibility", "Reach", "text", ("on_net", "near_net", "off_net", "impossible", "open", "unknown")),
    Fact("on_net", "On-net", "boolean"), Fact("off_net", "Off-net", "boolean"), Fact("technology", "Technology"),
    Fact("pop", "Point of presence"), Fact("distance_m", "Distance to the network, m", "number"),
    Fact("lead_days", "Lead time, days", "number"), Fact("build_cost", "Build cost", "number"),
)  # fmt: skip


def of_lines(order: Order, lines: Iterable[OrderLine]) -> dict[int, dict[str, Any]]:
    """Line key → facts. `lines` have site and quote_line loaded; one query for feasibility, whatever their number."""
    lines = list(lines)
    checks = feasibility_of(lines)
    about = _about_order(order, lines)
    return {line.pk: {**about, **_about_line(line, order), **_about_access(checks.get(line.pk))} for line in lines}


def feasibility_of(lines: Iterable[OrderLine]) -> dict[int, FeasibilityCheck]:
    """Line key → the answer that holds for it: the one of its quote line, else the latest of its site and offering."""
    lines = list(lines)
    quoted = {line.pk: line.quote_line.feasibility_id for line in lines if line.quote_line}
    rows = FeasibilityCheck.objects.select_related("pop")
    by_pk = {row.pk: row for row in rows.filter(pk__in=[pk for pk in quoted.values() if pk])}
    latest = {
        (row.site_id, row.offering_id): row
        for row in rows.filter(site__in={line.site_id for line in lines if line.site_id}).order_by(
            "site_id", "offering_id", "-id"
        ).distinct("site_id", "offering_id")
    }  # fmt: skip
    found = {}
    for line in lines:
        row = by_pk.get(quoted.get(line.pk) or 0) or latest.get((line.site_id, line.offering_id))
        if row:
            found[line.pk] = row
    return found


def _about_order(order: Order, lines: list[OrderLine]) -> dict[str, Any]:
    return {
        "tier": order.account.tier,
        "segment": order.account.segment,
        "channel": order.channel,
        "term": order.term_months,
        "currency": order.currency,
        "sites": len({line.site_id for line in lines if line.site_id}),
    }


def _about_line(line: OrderLine, order: Order) -> dict[str, Any]:
    site = line.site
    return {
        "action": line.action,
        "quantity": line.quantity,
        "position": line.position,
        "offering": line.offering.key,
        "monthly": float(line.monthly),
        "country": site.country if site else "",
        "region": site.region if site else "",
        "city": site.city if site else "",
        "site_code": site.code if site else "",
        "site_name": site.name if site else "",
    }


def _about_access(check: FeasibilityCheck | None) -> dict[str, Any]:
    result = check.result if check else "unknown"
    return {
        "feasibility": result,
        "on_net": result == FeasibilityCheck.Result.ON_NET,
        "off_net": result == FeasibilityCheck.Result.OFF_NET,
        "technology": check.technology if check else "",
        "pop": check.pop.code if check and check.pop else "",
        "distance_m": check.distance_m or 0 if check else 0,
        "lead_days": check.lead_days or 0 if check else 0,
        "build_cost": float(check.build_cost) if check else 0.0,
    }

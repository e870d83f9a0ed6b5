"""Rule cases: what feasibility knows when it asks its decision table, and real checks to try a changed table on."""

from collections.abc import Iterable

from cmdb import feasibility
from cmdb.models import FeasibilityCheck
from kernel.models import User
from kernel.tableuse import Case, Fact, Use

FACTS = (
    Fact("distance_m", "Distance to the network, m", "number"),
    Fact("mbps", "Mbit/s", "number"),
    Fact("country", "Country"),
    Fact("region", "Region", "text", ("metro", "regional", "remote")),
    Fact("offering", "Offering"),
)
ANSWERS = (
    Fact("result", "Result", "text", ("on_net", "near_net", "off_net", "impossible")),
    Fact("technology", "Technology"),
    Fact("lead_days", "Working days", "number"),
    Fact("build_fixed", "Build cost", "number"),
    Fact("build_per_metre", "Build cost per metre", "number"),
    Fact("max_mbps", "Mbit/s at most", "number"),
    Fact("reason", "Reason"),
    Fact("provider", "Partner to ask"),
)


def _cases(key: str, limit: int, user: User) -> Iterable[Case]:
    rows = FeasibilityCheck.objects.visible_to(user).filter(distance_m__isnull=False)
    for row in rows.select_related("site", "offering").order_by("-id")[:limit]:
        facts = feasibility.facts_of(row.distance_m, feasibility.mbps(row.asked), row.site, row.offering)
        yield Case(f"{row.number}, {row.site.name}", facts)


USES = (
    Use(
        feasibility.TABLE, "Feasibility checks", "Whether the network reaches a site, by when and at what cost.",
        facts=lambda key: FACTS, answers=lambda key: ANSWERS, cases=_cases,
        needed=lambda key: ["Every feasibility check asks it; without it no site can be checked."],
    ),
)  # fmt: skip

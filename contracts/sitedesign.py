"""Site design: how a site is connected, as its contract tells: routing, access and reach of points of presence."""

from collections.abc import Iterable
from typing import Any

from cmdb.models import FeasibilityCheck
from contracts.models import QuoteLine

TWO_PATHS, ONE_PATH = "Two points of presence", "One point of presence"
TWO = ("diversity", "redundancy", "second_path")  # characteristics that say a site has a second access
ROUTING = ("routing", "topology")
ACCESS = dict(FeasibilityCheck.Result.choices)


def of(lines: Iterable[QuoteLine]) -> dict[str, str]:
    """routing, access and redundancy of one site from the configuration of its lines and their site checks."""
    lines = list(lines)
    check = next((line.feasibility for line in lines if line.feasibility), None)
    asked = [line.characteristics[name] for line in lines for name in TWO if name in line.characteristics]
    technology = check.technology if check else ""
    reach = str(ACCESS.get(check.result, "")) if check else ""
    return {
        "routing": _first(lines, ROUTING),
        "access": ", ".join(part for part in (technology.capitalize(), reach.lower()) if part)[:30],
        "redundancy": (TWO_PATHS if any(asked) else ONE_PATH) if asked else "",
    }


def _first(lines: Iterable[QuoteLine], names: tuple[str, ...]) -> str:
    found: Any = next((line.characteristics[n] for n in names for line in lines if line.characteristics.get(n)), "")
    return str(found)[:30]

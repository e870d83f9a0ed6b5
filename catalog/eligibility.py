"""Eligibility: which offerings may be sold at a place."""

from typing import Any

from catalog.models import Offering
from kernel import decisions

TABLE = "eligibility"


def problems(offering: Offering, site_facts: dict[str, Any]) -> list[str]:
    """Why the offering cannot be sold there, in sentences; [] when it can.

    `site_facts` holds country and region. Without an active table everything can be sold everywhere.
    """
    return problems_of_many([(offering, site_facts)])[0]


def problems_of_many(pairs: list[tuple[Offering, dict[str, Any]]]) -> list[list[str]]:
    """The same for many pairs with one query, in their order."""
    ask = decisions.reader(TABLE)
    if ask is None:
        return [[] for _ in pairs]
    known: dict[tuple[Any, ...], list[str]] = {}
    found = []
    for offering, facts in pairs:
        key = (offering.key, *sorted(facts.items()))
        if key not in known:
            rows = ask({"offering": offering.key, **facts})
            known[key] = [str(row["problem"]) for row in rows if row.get("problem")]
        found.append(known[key])
    return found

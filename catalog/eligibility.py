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
    """The same for many pairs with one query, in their order; an offering's own table is asked beside the general."""
    asks = decisions.readers({TABLE, *(offering.eligibility for offering, _ in pairs if offering.eligibility)})
    if not asks:
        return [[] for _ in pairs]
    known: dict[tuple[Any, ...], list[str]] = {}
    found = []
    for offering, facts in pairs:
        key = (offering.key, offering.eligibility, *sorted(facts.items()))
        if key not in known:
            tables = [asks[name] for name in dict.fromkeys([TABLE, offering.eligibility]) if name in asks]
            rows = [row for ask in tables for row in ask({"offering": offering.key, **facts})]
            known[key] = list(dict.fromkeys(str(row["problem"]) for row in rows if row.get("problem")))
        found.append(known[key])
    return found

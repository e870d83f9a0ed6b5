"""Snapshot: the priced content of a quote in few words, kept with an approval to tell what changed since."""

from typing import Any

from contracts.models import Quote, QuoteLine

HEAD = ("currency", "term_months", "manual_discount", "monthly", "one_time")
FIELDS = ("quantity", "monthly", "one_time", "manual_discount")


def take(quote: Quote) -> dict[str, Any]:
    """Head and lines as JSON; a line by its key."""
    rows = QuoteLine.objects.filter(quote=quote).values_list("key", "offering__name", "site__name", *FIELDS)
    return {
        "head": {name: str(getattr(quote, name)) for name in HEAD},
        "lines": {
            str(key): [f"{offering}, {site}" if site else offering, *map(str, values)]
            for key, offering, site, *values in rows
        },
    }


def difference(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What differs, in words."""
    said = [
        f"{name.replace('_', ' ')} {old} → {after['head'].get(name)}"
        for name, old in before.get("head", {}).items()
        if after["head"].get(name) != old
    ]
    old_lines, new_lines = before.get("lines", {}), after["lines"]
    for key in sorted({*old_lines, *new_lines}):
        old, new = old_lines.get(key), new_lines.get(key)
        if old is None:
            said.append(f"{new[0]} added")
        elif new is None:
            said.append(f"{old[0]} removed")
        elif old != new:
            parts = [
                f"{name.replace('_', ' ')} {a} → {b}"
                for name, a, b in zip(FIELDS, old[1:], new[1:], strict=True)
                if a != b
            ]
            said.append(f"{new[0]}: {', '.join(parts)}")
    return said

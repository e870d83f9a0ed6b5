"""Plan compare: what one version of a plan says other than another, in words."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fulfillment.models import DependencyKind, Kind, PlanItem
from kernel.money import plain

NAMES = {
    "name": "name", "kind": "kind of step", "adapter": "system", "operation": "operation", "days": "working days",
    "team": "team", "skill": "skill", "calendar": "calendar", "inputs": "what it needs", "outputs": "what it supplies",
    "stage": "stage that the customer reads", "no_return": "point of no return", "compensation": "compensation",
    "max_attempts": "tries", "fallout_team": "team for fallout", "form": "form", "checklist": "checklist",
    "condition": "condition", "timer_seconds": "seconds to wait", "template": "project template",
    "sla_hours": "hours allowed", "specification": "specification", "action": "action", "position": "order of choice",
}  # fmt: skip
WORDS: dict[str, dict[str, str]] = {
    "kind": {value: str(label) for value, label in Kind.choices},
    "no_return": {value: str(label) for value, label in PlanItem.NoReturn.choices},
    "compensation": {value: str(label) for value, label in PlanItem.Compensation.choices},
}


@dataclass
class Difference:
    """One step (or the plan itself, name empty) that differs. `kind` is added, removed or changed."""

    kind: str
    name: str
    says: list[str] = field(default_factory=list)


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    """Every difference between two plans in the shape of a file, the plan itself first, then step by step."""
    found = []
    header = ("name", "specification", "action", "condition", "position")
    if said := [_said(name, before[name], after[name]) for name in header if before[name] != after[name]]:
        found.append(Difference("changed", "", said))
    old, new = ({item["key"]: item for item in plan["items"]} for plan in (before, after))
    names = {key: item["name"] or key for key, item in (*old.items(), *new.items())}
    for key in dict.fromkeys([*new, *old]):
        if key not in old:
            found.append(Difference("added", names[key], _about(new[key], names)))
        elif key not in new:
            found.append(Difference("removed", names[key]))
        elif says := _step(old[key], new[key], names):
            found.append(Difference("changed", names[key], says))
    return found


def _about(item: dict[str, Any], names: dict[str, str]) -> list[str]:
    kind = WORDS["kind"].get(item["kind"], item["kind"])
    said = [", ".join(filter(None, [kind, _days(item["days"]), item["team"]]))]
    return said + [f"waits {_wait(row, names)}" for row in item["after"]]


def _days(days: Decimal) -> str:
    return "1 working day" if days == 1 else f"{_plain('days', days)} working days" if days else "no time"


def lag_words(lag: Decimal) -> str:
    """How much later, or earlier, than its dependency alone would have it: 1 working day earlier."""
    return f"{_days(abs(lag))} {'later' if lag > 0 else 'earlier'}"


def _step(old: dict[str, Any], new: dict[str, Any], names: dict[str, str]) -> list[str]:
    said = [_said(name, old[name], new[name]) for name in NAMES if name in new and old.get(name) != new[name]]
    before, after = ({_wait(row, names) for row in item["after"]} for item in (old, new))
    said += [f"no longer waits {text}" for text in sorted(before - after)]
    return said + [f"waits {text}" for text in sorted(after - before)]


def _wait(row: dict[str, Any], names: dict[str, str]) -> str:
    name = names.get(row["item"], row["item"])
    if row["specification"]:
        other = row["specification"].replace("_", " ")
        name = f"{other}: {row['item'].replace('_', ' ')}" if row["item"] else f"the end of {other}"
        name += f" (same {row['scope']})"
    else:
        name = f"“{name}”"
    kind = "" if row["kind"] == "FS" else f", {str(DependencyKind(row['kind']).label).lower()}"
    lag = f", {lag_words(row['lag'])}" if row["lag"] else ""
    return f"for {name}{kind}{lag}"


def _said(name: str, old: Any, new: Any) -> str:
    return f"{NAMES[name]}: {_plain(name, old)} → {_plain(name, new)}"


def _plain(name: str, value: Any) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, list):
        return (
            ", ".join(str(v.get("label") or v.get("key")) if isinstance(v, dict) else str(v) for v in value)
            or "nothing"
        )
    return WORDS.get(name, {}).get(str(value), str(value)) or "nothing"

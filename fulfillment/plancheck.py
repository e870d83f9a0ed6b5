"""Plan check: what is wrong with a plan before anybody relies on it, each problem at its item and field.

A plan is read in the shape of a file. `structure` asks nothing but the plan itself and suits files of any order;
`soundness` also knows the catalogue, the systems, the calendars, the teams and the other plans.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from catalog import mapping, rulebook
from catalog.models import Characteristic, Specification
from fulfillment import adapters, taskforms
from fulfillment.models import Action, DependencyKind, Kind, PlanItem, ProjectTemplate
from kernel import decisions
from kernel.models import BusinessCalendar, User

PLAN_KEYS = {"key", "name", "specification", "action", "condition", "version", "position", "starts_on", "items"}
DEPENDENCY_KEYS = {"item", "specification", "scope", "kind", "lag"}
ITEM_KEYS = {
    "key", "name", "kind", "adapter", "operation", "days", "team", "skill", "calendar", "inputs", "outputs", "stage",
    "no_return", "compensation", "max_attempts", "fallout_team", "form", "checklist", "condition", "timer_seconds",
    "template", "sla_hours", "after",
}  # fmt: skip
SCOPES = ("line", "bundle", "site", "order")
GIVEN = {"domain_order"}  # what a flow knows beside characteristics and what rules may ask


@dataclass(frozen=True)
class Problem:
    """A sentence about a plan (item empty) or one of its items, and the field it concerns, "" for the whole."""

    item: str
    field: str
    text: str


def structure(plan: dict[str, Any], specifications: set[str]) -> Iterator[Problem]:
    """What is wrong with the plan by itself."""
    if unknown := set(plan) - PLAN_KEYS:
        yield Problem("", "", f"Unknown keys: {', '.join(sorted(unknown))}.")
    if missing := {"key", "specification", "items"} - set(plan):
        yield Problem("", "", f"Missing: {', '.join(sorted(missing))}.")
        return
    yield from _use(plan, specifications)
    keys = [str(entry.get("key") or "?") for entry in plan["items"]]
    if not keys:
        yield Problem("", "items", "A plan needs at least one item.")
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield Problem(key, "key", "This key is used twice.")
    for entry, key in zip(plan["items"], keys, strict=True):
        for field, text in _item(entry, set(keys)):
            yield Problem(key, field, text)
    if circle := _circle(plan["items"]):
        text = f"These items wait for each other in a circle: {' → '.join(circle)}."
        yield Problem(circle[0], "after", text)


def _use(plan: dict[str, Any], specifications: set[str]) -> Iterator[Problem]:
    if plan["specification"] not in specifications:
        yield Problem("", "specification", f"There is no specification “{plan['specification']}”.")
    if plan.get("action", "add") not in Action.values:
        yield Problem("", "action", f"“{plan['action']}” is no action; use one of {', '.join(Action.values)}.")
    if text := decisions.mistake(str(plan.get("condition") or "")):
        yield Problem("", "condition", text)


def _item(entry: dict[str, Any], keys: set[str]) -> Iterable[tuple[str, str]]:
    if unknown := set(entry) - ITEM_KEYS:
        yield "", f"Unknown keys: {', '.join(sorted(unknown))}."
    kind = entry.get("kind", "manual")
    if kind not in Kind.values:
        yield "kind", f"“{kind}” is no kind; use one of {', '.join(Kind.values)}."
    if kind == Kind.API_CALL and not (entry.get("adapter") and entry.get("operation")):
        yield "adapter", "An API call needs an adapter and an operation."
    if kind == Kind.PROJECT and not entry.get("template"):
        yield "template", "A project needs a template."
    try:
        if not 0 <= Decimal(str(entry.get("days", 0))) < 1000:
            yield "days", "Days are from 0 to 999."
    except InvalidOperation:
        yield "days", "Days are a number."
    if text := decisions.mistake(str(entry.get("condition") or "")):
        yield "condition", text
    yield from (("form", text) for asked in entry.get("form") or () for text in _asked(asked))
    yield from (("after", text) for after in entry.get("after") or () for text in _after(after, keys))


def _asked(entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield "“form” lists mappings."
        return
    yield from (f"“{entry.get('key') or '?'}”: {text}" for _, text in taskforms.ill(entry))


def _after(after: Any, keys: set[str]) -> Iterable[str]:
    if not isinstance(after, str | dict):
        yield "“after” lists item keys or mappings."
        return
    given = {"item": after} if isinstance(after, str) else after
    if unknown := set(given) - DEPENDENCY_KEYS:
        yield f"Unknown keys in “after”: {', '.join(sorted(unknown))}."
    if not given.get("specification") and given.get("item") not in keys:
        yield f"It waits for “{given.get('item')}”, which is not an item of this plan."
    if given.get("kind", "FS") not in DependencyKind.values:
        yield f"“{given['kind']}” is no kind of dependency; use one of {', '.join(DependencyKind.values)}."
    if given.get("specification") and given.get("scope", "site") not in SCOPES:
        yield f"A scope is one of {', '.join(SCOPES)}."


def befores(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """What an item waits for, every entry as a mapping."""
    rows = entry.get("after") or ()
    return [row if isinstance(row, dict) else {"item": row} for row in rows if isinstance(row, str | dict)]


def _circle(items: list[dict[str, Any]]) -> list[str]:
    """The keys of a circle, or nothing."""
    before = {
        str(entry.get("key")): [str(row.get("item")) for row in befores(entry) if not row.get("specification")]
        for entry in items
    }
    return _way_round(before)


def _way_round(before: dict[Any, list[Any]]) -> list[Any]:
    done: set[Any] = set()
    for start in before:
        way: list[Any] = []
        stack: list[tuple[Any, Iterator[Any]]] = [(start, iter(before[start]))] if start not in done else []
        way = [start] if stack else []
        while stack:
            key, rest = stack[-1]
            other = next((o for o in rest if o in before and o not in done), None)
            if other is None:
                done.add(key)
                stack.pop()
                way.pop()
            elif other in way:
                return [*way[way.index(other) :], other]
            else:
                way.append(other)
                stack.append((other, iter(before[other])))
    return []


def soundness(plan: dict[str, Any], others: Iterable[dict[str, Any]]) -> list[Problem]:
    """Everything that is wrong with a plan among the others, which are the plans in force."""
    keys = set(Specification.objects.values_list("key", flat=True))
    if found := list(structure(plan, keys)):
        return found
    others = [other for other in others if other["key"] != plan["key"]]
    known = _Known(plan)
    found = list(_header(plan, known))
    for entry in plan["items"]:
        found += (Problem(entry["key"], field, text) for field, text in _names(entry, known))
        found += (Problem(entry["key"], "after", text) for text in _reaches(entry, keys, others))
    return found or list(_round_about(plan, others))


class _Known:
    """What a plan may speak of."""

    def __init__(self, plan: dict[str, Any]) -> None:
        own = Characteristic.objects.filter(specification__key=plan["specification"])
        put_out = {str(name).partition("=")[0].strip() for entry in plan["items"] for name in entry["outputs"]}
        self.names = set(rulebook.ASKABLE) | GIVEN | set(own.values_list("key", flat=True)) | put_out
        self.calendars = set(BusinessCalendar.objects.values_list("name", flat=True))
        teams = User.objects.filter(is_active=True).values_list("teams", flat=True)
        used = PlanItem.objects.filter(definition__state="active").values_list("team", "fallout_team")
        self.teams = {team for row in (*teams, *used) for team in row if team}
        self.templates = set(ProjectTemplate.objects.values_list("key", flat=True))

    def missing(self, expression: str) -> str:
        """The first name in an expression that nothing gives."""
        return next((name for name in mapping.names(expression) if name not in self.names), "")


def _header(plan: dict[str, Any], known: _Known) -> Iterator[Problem]:
    if missing := known.missing(plan.get("condition") or ""):
        yield Problem("", "condition", f"{plan['specification']} has no characteristic “{missing}”.")
    if all(entry.get("condition") for entry in plan["items"]):
        yield Problem("", "items", "This plan has no sure end: at least one item must be there under all conditions.")


def _names(entry: dict[str, Any], known: _Known) -> Iterator[tuple[str, str]]:
    if missing := known.missing(entry["condition"]):
        yield "condition", f"There is no characteristic “{missing}”, and no item of this plan supplies it."
    for name in entry["inputs"]:
        if str(name).removesuffix("?") not in known.names:
            yield "inputs", f"There is no characteristic “{name}”, and no item of this plan supplies it."
    if entry["calendar"] and entry["calendar"] not in known.calendars:
        yield "calendar", f"There is no calendar “{entry['calendar']}”."
    for field in ("team", "fallout_team"):
        if entry[field] and entry[field] not in known.teams:
            yield field, f"Nobody is in a team “{entry[field]}”."
    if entry["template"] and entry["template"] not in known.templates:
        yield "template", f"There is no project template “{entry['template']}”."
    yield from _system(entry)


def _system(entry: dict[str, Any]) -> Iterator[tuple[str, str]]:
    system, operation = entry["adapter"], entry["operation"]
    if system and system not in adapters.SYSTEMS:
        yield "adapter", f"There is no adapter “{system}”; there are {', '.join(adapters.SYSTEMS)}."
    elif operation and operation not in adapters.OPERATIONS.get(system, ()):
        yield "operation", f"“{system or 'No system'}” has no operation “{operation}”."


def _reaches(entry: dict[str, Any], keys: set[str], others: list[dict[str, Any]]) -> Iterator[str]:
    for row in befores(entry):
        other = row.get("specification")
        if not other:
            continue
        if other not in keys:
            yield f"There is no specification “{other}”."
        elif row.get("item") and not any(
            plan["specification"] == other and row["item"] in {item["key"] for item in plan["items"]} for plan in others
        ):
            yield f"No plan of {other} has an item “{row['item']}”."


def _round_about(plan: dict[str, Any], others: list[dict[str, Any]]) -> Iterator[Problem]:
    """A circle that goes through other plans of the same action."""
    plans = [plan, *(other for other in others if other["action"] == plan["action"])]
    finals = {id(one): _finals(one) for one in plans}
    before: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for one in plans:
        for entry in one["items"]:
            rows = before.setdefault((one["key"], entry["key"]), [])
            for row in befores(entry):
                if not row.get("specification"):
                    rows.append((one["key"], row["item"]))
                    continue
                for other in plans:
                    if other["specification"] == row["specification"] and other is not one:
                        ends = [row["item"]] if row["item"] else finals[id(other)]
                        rows.extend((other["key"], key) for key in ends)
    circle = _way_round(before)
    mine = [key for owner, key in circle if owner == plan["key"]]
    if mine:
        said = " → ".join(f"{owner}: {key}" for owner, key in circle)
        yield Problem(mine[0], "after", f"This goes in a circle through other plans: {said}.")


def _finals(plan: dict[str, Any]) -> list[str]:
    followed = {
        row["item"]
        for entry in plan["items"]
        for row in befores(entry)
        if not row.get("specification") and row.get("kind", "FS") in ("FS", "FF")
    }
    return [entry["key"] for entry in plan["items"] if entry["key"] not in followed]

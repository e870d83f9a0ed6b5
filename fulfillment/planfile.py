"""Plan files: plan definitions and project templates read from and written to catalogue files, checked as a whole.

A changed plan that is in use becomes the next version; the former is retired and running flows keep it.
"""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from catalog.models import Specification
from fulfillment.models import Action, DependencyKind, Kind, PlanDefinition, PlanDependency, PlanItem, ProjectTemplate
from fulfillment.shapes import PlanBook
from kernel import decisions, lifecycle
from kernel.models import User
from kernel.refusal import Refusal

# key in a file → field of PlanItem and its default
FIELDS: dict[str, tuple[str, Any]] = {
    "name": ("name", ""), "kind": ("kind", "manual"), "adapter": ("adapter", ""), "operation": ("operation", ""),
    "days": ("duration_days", 0), "team": ("team", ""), "skill": ("skill", ""), "calendar": ("calendar", ""),
    "inputs": ("inputs", []), "outputs": ("outputs", []), "stage": ("stage", ""), "no_return": ("no_return", "none"),
    "compensation": ("compensation", "redo"), "max_attempts": ("max_attempts", 3), "fallout_team": ("fallout_team", ""),
    "form": ("form", []), "checklist": ("checklist", []), "condition": ("condition", ""),
    "timer_seconds": ("timer_seconds", 0), "template": ("template", ""), "sla_hours": ("sla_hours", 24),
}  # fmt: skip
KNOWN = {"key", "after", *FIELDS}
PLAN_KEYS = {"key", "name", "specification", "action", "condition", "version", "position", "items"}
DEPENDENCY_KEYS = {"item", "specification", "scope", "kind", "lag"}


class BadPlan(Refusal):
    """The file cannot be taken; every problem is named with its place."""


@transaction.atomic
def load(plans: list[dict[str, Any]], by: User | None = None) -> dict[str, str]:
    """Take plans from a file; key → created, changed or unchanged.

    Raises:
        BadPlan: with all problems of all plans, each at plan/item; nothing is stored.
    """
    problems: dict[str, list[str]] = {}
    keys = set(Specification.objects.values_list("key", flat=True))
    for plan in plans:
        for place, text in _problems(plan, keys):
            problems.setdefault(f"{plan.get('key', '?')}{place}", []).append(text)
    if problems:
        raise BadPlan(problems=problems)
    current = {entry["key"]: entry for entry in dump()}
    return {plan["key"]: _take(plan, current.get(plan["key"]), by) for plan in plans}


def _take(plan: dict[str, Any], current: dict[str, Any] | None, by: User | None) -> str:
    wanted = normal(plan)
    if current is not None and {**current, "version": 0} == {**wanted, "version": 0}:
        return "unchanged"
    active = PlanDefinition.objects.filter(key=plan["key"], state=PlanDefinition.State.ACTIVE)
    for old in PlanDefinition.objects.locked_all(active.values_list("pk", flat=True)):
        lifecycle.move(old, PlanDefinition.retire, by=by)
    last = PlanDefinition.objects.filter(key=plan["key"]).aggregate(last=Max("version"))["last"] or 0
    specification = Specification.objects.filter(key=wanted["specification"]).order_by("state", "-version")[0]
    definition = PlanDefinition.objects.create(
        key=wanted["key"], version=max(last + 1, wanted["version"]), name=wanted["name"], specification=specification,
        action=wanted["action"], condition=wanted["condition"], position=wanted["position"],
        starts_on=timezone.localdate(),
    )  # fmt: skip
    items = {
        entry["key"]: PlanItem(
            definition=definition, key=entry["key"], position=place,
            **{field: entry[name] for name, (field, _) in FIELDS.items()},
        )
        for place, entry in enumerate(wanted["items"])
    }  # fmt: skip
    PlanItem.objects.bulk_create(items.values())
    PlanDependency.objects.bulk_create(
        _dependency(items[entry["key"]], after, items) for entry in wanted["items"] for after in entry["after"]
    )
    lifecycle.move(definition, PlanDefinition.publish, by=by)
    return "created" if current is None else "changed"


def _dependency(item: PlanItem, after: dict[str, Any], items: dict[str, PlanItem]) -> PlanDependency:
    common = {"after": item, "kind": after["kind"], "lag_days": after["lag"]}
    if not after["specification"]:
        return PlanDependency(before=items[after["item"]], **common)
    return PlanDependency(
        before_specification=after["specification"], before_item=after["item"], scope=after["scope"], **common
    )


def normal(plan: dict[str, Any]) -> dict[str, Any]:
    """A plan with every default filled in, so that two can be compared."""
    items = [
        {"key": entry["key"]}
        | {name: _plain(name, entry.get(name, default)) for name, (_, default) in FIELDS.items()}
        | {"after": [_after(after) for after in entry.get("after") or ()]}
        for entry in plan["items"]
    ]
    return {
        "key": plan["key"], "name": plan.get("name") or plan["key"], "specification": plan["specification"],
        "action": plan.get("action", "add"), "condition": plan.get("condition") or "",
        "version": int(plan.get("version", 1)), "position": int(plan.get("position", 0)), "items": items,
    }  # fmt: skip


def _plain(name: str, value: Any) -> Any:
    if name == "days":
        return Decimal(str(value)).quantize(Decimal("0.01"))
    return FIELDS[name][1] if value is None else value


def _after(after: str | dict[str, Any]) -> dict[str, Any]:
    given = {"item": after} if isinstance(after, str) else after
    other = str(given.get("specification") or "")
    return {
        "item": str(given.get("item") or ""), "specification": other,
        "scope": given.get("scope", "site") if other else "flow",
        "kind": given.get("kind", "FS"), "lag": Decimal(str(given.get("lag", 0))).quantize(Decimal("0.01")),
    }  # fmt: skip


def dump() -> list[dict[str, Any]]:
    """Every active plan in the shape of a file, defaults filled in."""
    rows = PlanDefinition.objects.filter(state=PlanDefinition.State.ACTIVE).select_related("specification")
    return [_dumped(plan) for plan in PlanBook(rows.order_by("key")).plans.values()]


def _dumped(plan: Any) -> dict[str, Any]:
    definition: PlanDefinition = plan.definition
    by_id = {item.pk: item for item in plan.items}

    def after(row: PlanDependency) -> dict[str, Any]:
        item = by_id[row.before_id].key if row.before_id else row.before_item
        return {
            "item": item,
            "specification": row.before_specification,
            "scope": row.scope,
            "kind": row.kind,
            "lag": row.lag_days,
        }

    return {
        "key": definition.key, "name": definition.name, "specification": definition.specification.key,
        "action": definition.action, "condition": definition.condition, "version": definition.version,
        "position": definition.position,
        "items": [
            {"key": item.key}
            | {name: getattr(item, field) for name, (field, _) in FIELDS.items()}
            | {"after": [after(row) for row in plan.waits.get(item.pk, ())]}
            for item in plan.items
        ],
    }  # fmt: skip


def _problems(plan: dict[str, Any], specifications: set[str]) -> Iterable[tuple[str, str]]:
    """Every problem of one plan as (place, sentence)."""
    if unknown := set(plan) - PLAN_KEYS:
        yield "", f"Unknown keys: {', '.join(sorted(unknown))}."
    if missing := {"key", "specification", "items"} - set(plan):
        yield "", f"Missing: {', '.join(sorted(missing))}."
        return
    if plan["specification"] not in specifications:
        yield "", f"There is no specification “{plan['specification']}”."
    if plan.get("action", "add") not in Action.values:
        yield "", f"“{plan['action']}” is no action; use one of {', '.join(Action.values)}."
    yield from _expression("", plan.get("condition"))
    keys = [entry.get("key") for entry in plan["items"]]
    if not keys:
        yield "", "A plan needs at least one item."
    for key in {key for key in keys if keys.count(key) > 1}:
        yield f"/{key}", "This key is used twice."
    for entry in plan["items"]:
        for text in _item_problems(entry, set(keys)):
            yield f"/{entry.get('key', '?')}", text
    if circle := _circle(plan["items"]):
        yield "", f"These items wait for each other in a circle: {' → '.join(circle)}."


def _expression(place: str, expression: Any) -> Iterable[tuple[str, str]]:
    if expression:
        try:
            decisions.check(str(expression))
        except Refusal as error:
            yield place, str(error)


def _item_problems(entry: dict[str, Any], keys: set[Any]) -> Iterable[str]:
    if unknown := set(entry) - KNOWN:
        yield f"Unknown keys: {', '.join(sorted(unknown))}."
    kind = entry.get("kind", "manual")
    if kind not in Kind.values:
        yield f"“{kind}” is no kind; use one of {', '.join(Kind.values)}."
    if kind == Kind.API_CALL and not (entry.get("adapter") and entry.get("operation")):
        yield "An API call needs an adapter and an operation."
    if kind == Kind.PROJECT and not entry.get("template"):
        yield "A project needs a template."
    try:
        if not 0 <= Decimal(str(entry.get("days", 0))) < 1000:
            yield "Days are from 0 to 999."
    except InvalidOperation:
        yield "Days are a number."
    yield from (text for _, text in _expression("", entry.get("condition")))
    for after in entry.get("after") or ():
        yield from _after_problems(after, keys)


def _after_problems(after: Any, keys: set[Any]) -> Iterable[str]:
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
    if given.get("specification") and given.get("scope", "site") not in ("line", "bundle", "site", "order"):
        yield "A scope is line, bundle, site or order."


def _circle(items: list[dict[str, Any]]) -> list[str]:
    """The keys of a circle, or nothing."""
    before: dict[str, list[str]] = {
        str(entry.get("key")): [
            a["item"] for a in map(_safe_after, entry.get("after") or ()) if not a.get("specification")
        ]
        for entry in items
    }
    state: dict[str, int] = {}

    def visit(key: str, way: list[str]) -> list[str]:
        if state.get(key) == 2 or key not in before:
            return []
        if key in way:
            return [*way[way.index(key) :], key]
        for other in before[key]:
            if found := visit(str(other), [*way, key]):
                return found
        state[key] = 2
        return []

    return next((found for key in before if (found := visit(key, []))), [])


def _safe_after(after: Any) -> dict[str, Any]:
    return after if isinstance(after, dict) and "item" in after else {"item": after if isinstance(after, str) else ""}


@transaction.atomic
def load_templates(templates: list[dict[str, Any]], by: User | None = None) -> dict[str, str]:
    """Take project templates from a file; key → created, changed or unchanged. Raises BadPlan."""
    problems = {
        str(entry.get("key", "?")): ["A project template needs a key, a name and phases with named tasks."]
        for entry in templates
        if not (entry.get("key") and entry.get("name") and _phases_are_whole(entry.get("phases")))
    }
    if problems:
        raise BadPlan(problems=problems)
    known = {row.key: row for row in ProjectTemplate.objects.all()}
    done: dict[str, str] = {}
    for entry in templates:
        share = Decimal(str(entry.get("budget_share", 100)))
        row = known.get(entry["key"])
        if row is not None and (row.name, row.phases, row.budget_share) == (entry["name"], entry["phases"], share):
            done[entry["key"]] = "unchanged"
            continue
        values = {"name": entry["name"], "phases": entry["phases"], "budget_share": share}
        ProjectTemplate.objects.update_or_create(key=entry["key"], defaults=values)
        done[entry["key"]] = "created" if row is None else "changed"
    return done


def _phases_are_whole(phases: Any) -> bool:
    return bool(phases) and all(
        phase.get("name") and all(t.get("name") for t in phase.get("tasks", ())) for phase in phases
    )


def dump_templates() -> list[dict[str, Any]]:
    """Every project template in the shape of a file."""
    return [
        {"key": row.key, "name": row.name, "budget_share": row.budget_share, "phases": row.phases}
        for row in ProjectTemplate.objects.order_by("key")
    ]

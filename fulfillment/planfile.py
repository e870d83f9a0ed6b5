"""Plan files: plan definitions and project templates read from and written to catalogue files, checked as a whole.

A changed plan that is in use becomes the next version; the former is retired and running flows keep it.
"""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from catalog.models import Specification
from fulfillment import plancheck
from fulfillment.models import PlanDefinition, PlanDependency, PlanItem, ProjectTemplate
from fulfillment.shapes import Plan, PlanBook
from kernel import lifecycle
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


class BadPlan(Refusal):
    """The file cannot be taken; every problem is named with its place."""


@transaction.atomic
def load(plans: list[dict[str, Any]], by: User | None = None) -> dict[str, str]:
    """Take plans from a file; key → created, changed or unchanged.

    Raises:
        BadPlan: with all problems of all plans, each at plan/item, or a changed plan has a draft; nothing is stored.
    """
    problems: dict[str, list[str]] = {}
    keys = set(Specification.objects.values_list("key", flat=True))
    for plan in plans:
        for found in plancheck.structure(plan, keys):
            place = f"/{found.item}" if found.item else ""
            problems.setdefault(f"{plan.get('key', '?')}{place}", []).append(found.text)
    if problems:
        raise BadPlan(problems=problems)
    current = {row["key"]: row for row in dump()}
    return {plan["key"]: _take(plan, current.get(plan["key"]), by) for plan in plans}


def _take(plan: dict[str, Any], current: dict[str, Any] | None, by: User | None) -> str:
    wanted = normal(plan)
    if current is not None and _content(current) == _content(wanted):
        return "unchanged"
    if PlanDefinition.objects.filter(key=plan["key"], state=PlanDefinition.State.DRAFT).exists():
        raise BadPlan(problems={plan["key"]: ["There is a draft of this plan. Publish or discard it first."]})
    active = PlanDefinition.objects.filter(key=plan["key"], state=PlanDefinition.State.ACTIVE)
    for old in PlanDefinition.objects.locked_all(active.values_list("pk", flat=True)):
        old.ends_on = wanted["starts_on"] or timezone.localdate()
        lifecycle.move(old, PlanDefinition.retire, by=by)
    last = PlanDefinition.objects.filter(key=plan["key"]).aggregate(last=Max("version"))["last"] or 0
    wanted["starts_on"] = wanted["starts_on"] or timezone.localdate()
    definition = PlanDefinition(key=wanted["key"], version=max(last + 1, wanted["version"]))
    store(definition, wanted)
    lifecycle.move(definition, PlanDefinition.publish, by=by)
    return "created" if current is None else "changed"


def _content(plan: dict[str, Any]) -> dict[str, Any]:
    """What a plan says, whichever version of it."""
    return {**plan, "version": 0, "starts_on": None}


def store(definition: PlanDefinition, wanted: dict[str, Any]) -> None:
    """Write a whole plan, as `normal` gives it, into a definition that is new or a draft."""
    definition.name, definition.action = wanted["name"], wanted["action"]
    definition.condition, definition.position = wanted["condition"], wanted["position"]
    definition.starts_on = wanted["starts_on"]
    rows = Specification.objects.filter(key=wanted["specification"]).order_by("state", "-version")
    definition.specification = rows[0]
    definition.save()
    definition.items.all().delete()
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


def _dependency(item: PlanItem, after: dict[str, Any], items: dict[str, PlanItem]) -> PlanDependency:
    common = {"after": item, "kind": after["kind"], "lag_days": after["lag"]}
    if not after["specification"]:
        return PlanDependency(before=items[after["item"]], **common)
    return PlanDependency(
        before_specification=after["specification"], before_item=after["item"], scope=after["scope"], **common
    )


def normal(plan: dict[str, Any]) -> dict[str, Any]:
    """A plan with every default filled in, so that two can be compared."""
    items = [normal_item(item) for item in plan["items"]]
    return {
        "key": plan["key"], "name": plan.get("name") or plan["key"], "specification": plan["specification"],
        "action": plan.get("action", "add"), "condition": plan.get("condition") or "",
        "version": int(plan.get("version", 1)), "position": int(plan.get("position", 0)),
        "starts_on": _date(plan.get("starts_on")), "items": items,
    }  # fmt: skip


def normal_item(item: dict[str, Any]) -> dict[str, Any]:
    """An item with every default filled in."""
    values = {name: _plain(name, item.get(name, default)) for name, (_, default) in FIELDS.items()}
    return {"key": item["key"], **values, "after": [_after(after) for after in item.get("after") or ()]}


def _date(value: Any) -> dt.date | None:
    return dt.date.fromisoformat(value) if isinstance(value, str) and value else value or None


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
    """Every active plan in the shape of a file, defaults filled in; of one with a later version to come, that one."""
    rows = PlanDefinition.objects.filter(state=PlanDefinition.State.ACTIVE).select_related("specification")
    return [dumped(plan) for plan in PlanBook(rows.order_by("key", "version")).plans.values()]


def entry(definition: PlanDefinition) -> dict[str, Any]:
    """One version of a plan in the shape of a file, defaults filled in."""
    return dumped(PlanBook([definition]).plans[definition.pk])


def dumped(plan: Plan) -> dict[str, Any]:
    """A plan read whole in the shape of a file, defaults filled in."""
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
        "position": definition.position, "starts_on": definition.starts_on,
        "items": [
            {"key": item.key}
            | {name: getattr(item, field) for name, (field, _) in FIELDS.items()}
            | {"after": [after(row) for row in plan.waits.get(item.pk, ())]}
            for item in plan.items
        ],
    }  # fmt: skip


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

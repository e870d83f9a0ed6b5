"""Exchange: how enrichment flows stand in a catalogue file."""

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from catalog.publication import Change, renew, section
from kernel import tablepublication
from kernel.models import User
from orders import flowpublication
from orders.models import EnrichmentFlow


def load_flow(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    """One flow; where the version in force says something else, the next one comes into force today.

    Raises NotReady for steps that cannot work.
    """
    steps = [
        {"_id": f"s{n}", "table": step["table"], "condition": step.get("condition", ""), "note": step.get("note", "")}
        for n, step in enumerate(item.get("steps", []), 1)
    ]
    values = {name: item.get(name, "") for name in ("title", "specification", "action")}
    row, change = renew(
        "enrichment_flows", EnrichmentFlow, item["key"], {**values, "steps": steps}, item.get("version", 0)
    )
    if problems := flowpublication.problems(row):
        raise flowpublication.NotReady(problems={"steps": [problem.text for problem in problems]})
    if row.state == EnrichmentFlow.State.DRAFT:
        others = EnrichmentFlow.objects.filter(key=row.key, state="active").values_list("pk", flat=True)
        tablepublication.bring_into_force(row, EnrichmentFlow.objects.locked_all(others), timezone.localdate(), by=by)
    yield change


def dump_flows() -> list[dict[str, Any]]:
    """The flows in force."""
    return [
        {
            "key": row.key, "version": row.version, "title": row.title, "specification": row.specification,
            "action": row.action,
            "steps": [{name: step.get(name, "") for name in ("table", "condition", "note")} for step in row.steps],
        }
        for row in EnrichmentFlow.objects.in_force()
    ]  # fmt: skip


section("enrichment_flows", load_flow, dump_flows, 90)

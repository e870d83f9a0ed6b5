"""Drafts of enrichment flows: steps are added, changed and moved in a draft; what is in force never changes."""

import re
import uuid
from typing import Any

from django.db import transaction
from django.db.models import Max

from kernel import audit
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal
from kernel.tabledrafts import insert
from orders import flowpublication
from orders.models import EnrichmentFlow

ID = "_id"
MOST_STEPS = 50
_KEY = re.compile(r"[a-z][a-z0-9_-]{0,79}")


class NoDraft(Conflict):
    """A version that is or was in force never changes."""


@transaction.atomic
def create(*, key: str, title: str, specification: str, action: str, by: User) -> EnrichmentFlow:
    """A first draft. Raises Refusal at its field."""
    _require(by)
    problems: dict[str, list[str]] = {}
    if not _KEY.fullmatch(key):
        problems["key"] = ["Small letters, digits, _ and - only, a letter first."]
    elif EnrichmentFlow.objects.filter(key=key).exists():
        problems["key"] = ["There is a flow of that key already; make a new version of it."]
    if not title.strip():
        problems["title"] = ["Say in a few words what it fills."]
    if problems:
        raise Refusal(problems=problems)
    flow = EnrichmentFlow(key=key, title=title.strip()[:120], specification=specification, action=_action(action))
    insert(flow)
    audit.record("drafted", flow, by=by)
    return flow


@transaction.atomic
def revise(*, flow_id: int, by: User) -> EnrichmentFlow:
    """A draft of the next version, as a copy of this one. Raises Conflict when there is a draft already."""
    _require(by)
    source: EnrichmentFlow = EnrichmentFlow.objects.locked(flow_id)
    if EnrichmentFlow.objects.filter(key=source.key, state="draft").exists():
        raise Conflict("There is a draft of this flow already. Go on with it, or discard it.")
    last = EnrichmentFlow.objects.filter(key=source.key).aggregate(last=Max("version"))["last"]
    made = EnrichmentFlow.objects.create(
        key=source.key, version=last + 1, title=source.title, specification=source.specification,
        action=source.action, steps=source.steps,
    )  # fmt: skip
    audit.record("drafted", made, by=by, changes={"copied from version": [None, source.version]})
    return made


@transaction.atomic
def discard(*, flow_id: int, by: User) -> None:
    """Throw a draft away. Raises NoDraft for any other version."""
    flow = _draft(flow_id, by)
    audit.record("discarded", flow, by=by)
    flow.delete()


@transaction.atomic
def describe(*, flow_id: int, title: str, specification: str, action: str, by: User) -> EnrichmentFlow:
    """What it is called and which lines it is for. Raises Refusal at its field."""
    flow = _draft(flow_id, by)
    if not title.strip():
        raise Refusal(problems={"title": ["Say in a few words what it fills."]})
    values = {"title": title.strip()[:120], "specification": specification, "action": _action(action)}
    changes = audit.difference({name: getattr(flow, name) for name in values}, values)
    for name, value in values.items():
        setattr(flow, name, value)
    return _keep(flow, "described", by, changes) if changes else flow


@transaction.atomic
def add_step(*, flow_id: int, table: str, condition: str = "", note: str = "", by: User) -> str:
    """A further step at the end. Returns its id."""
    flow = _draft(flow_id, by)
    if len(flow.steps) >= MOST_STEPS:
        raise Refusal(f"A flow has at most {MOST_STEPS} steps.")
    step = {ID: uuid.uuid4().hex[:8], **_content(flow, table, condition, note)}
    flow.steps = [*flow.steps, step]
    _keep(flow, "step added", by, {"step": [None, f"{len(flow.steps)}: {step['table']}"]})
    return str(step[ID])


@transaction.atomic
def write_step(*, flow_id: int, step: str, table: str, condition: str, note: str, by: User) -> None:
    """Change one step. Raises Refusal at its field."""
    flow = _draft(flow_id, by)
    found = _step(flow, step)
    values = _content(flow, table, condition, note)
    changes = audit.difference(found, values)
    if changes:
        found.update(values)
        number = flow.steps.index(found) + 1
        _keep(flow, "step changed", by, {f"step {number}, {name}": pair for name, pair in changes.items()})


@transaction.atomic
def move_step(*, flow_id: int, step: str, steps: int, by: User) -> None:
    """Move a step up (negative) or down; at the end it stays."""
    flow = _draft(flow_id, by)
    at = flow.steps.index(_step(flow, step))
    to = min(max(0, at + steps), len(flow.steps) - 1)
    if to != at:
        flow.steps.insert(to, flow.steps.pop(at))
        _keep(flow, "step moved", by, {"step": [at + 1, to + 1]})


@transaction.atomic
def remove_step(*, flow_id: int, step: str, by: User) -> None:
    """Take a step out."""
    flow = _draft(flow_id, by)
    found = _step(flow, step)
    number = flow.steps.index(found) + 1
    flow.steps.remove(found)
    _keep(flow, "step removed", by, {f"step {number}": [found["table"], None]})


def _require(by: User) -> None:
    if not by.has_perm("orders.change_enrichmentflow"):
        raise NotPermitted("Your roles do not include the right to change enrichment flows.")


def _draft(flow_id: int, by: User) -> EnrichmentFlow:
    _require(by)
    flow: EnrichmentFlow = EnrichmentFlow.objects.locked(flow_id)
    if flow.state != EnrichmentFlow.State.DRAFT:
        raise NoDraft(f"Version {flow.version} is {flow.state}; it never changes. Make a new version.")
    return flow


def _keep(flow: EnrichmentFlow, action: str, by: User, changes: dict[str, list[Any]]) -> EnrichmentFlow:
    flow.edition += 1
    flow.save()
    audit.record(action, flow, by=by, changes=changes)
    return flow


def _step(flow: EnrichmentFlow, wanted: str) -> dict[str, Any]:
    found = next((step for step in flow.steps if step.get(ID) == wanted), None)
    if found is None:
        raise Conflict("This step is gone; reload the page.")
    return found  # type: ignore[no-any-return]


def _content(flow: EnrichmentFlow, table: str, condition: str, note: str) -> dict[str, str]:
    """A step as it is kept. Raises Refusal for a condition that can never be told."""
    if wrong := flowpublication.of_condition(flow, condition.strip()):
        raise Refusal(problems={"condition": [wrong]})
    return {"table": table.strip()[:80], "condition": condition.strip()[:300], "note": note.strip()[:200]}


def _action(action: str) -> str:
    return action if action in EnrichmentFlow.ForAction.values else ""

"""Plans, flows and tasks for tests, made by the same acts that the product uses."""

import itertools
from typing import Any

from catalog.models import Specification
from fulfillment import execution, planfile, planning
from fulfillment.models import Flow, Task
from fulfillment.planning import FlowRequest
from kernel import lifecycle
from kernel.models import User
from tests.factories.crm import SiteFactory

_owners = itertools.count(900_001)


def specification(key: str, kind: str = "rfs") -> Specification:
    """An active specification, made when missing."""
    found = Specification.objects.filter(key=key).first()
    if found is None:
        made = Specification.objects.create(key=key, kind=kind, name=key.replace("_", " ").capitalize())
        lifecycle.move(made, Specification.to_testing, by=None)
        found = lifecycle.move(made, Specification.activate, by=None)
    return found


def plan(key: str, *items: dict[str, Any], **values: Any) -> None:
    """A published plan of a specification of the same name; an item without a kind is automatic."""
    specification(values.get("specification", key))
    entries = [{"kind": "automatic", "name": item["key"].capitalize(), **item} for item in items]
    planfile.load([{"key": key, "specification": key, "items": entries, **values}])


def request(specification_key: str, site: Any, *, root: int = 0, **values: Any) -> FlowRequest:
    """What an owner asks for; the root is the owner itself unless given."""
    owner = values.pop("owner_id", None) or next(_owners)
    given = {
        "owner_type": "test.owner", "owner_id": owner, "root_type": "test.root", "root_id": root or owner,
        "root_number": f"ORD{root or owner:07d}", "line_key": "line-1",
        "account_id": site.account_id, "site_id": site.pk,
        "specification_id": specification(specification_key).pk, "specification_key": specification_key,
        "action": "add", "name": f"{specification_key} at {site.name}",
    }  # fmt: skip
    return FlowRequest(**(given | values))


def flow(key: str, *items: dict[str, Any], started: bool = True, site: Any = None, **values: Any) -> Flow:
    """One flow of a plan with these items, started."""
    plan(key, *items)
    asked = request(key, site or SiteFactory(), **values)
    made: Flow = Flow.objects.get(pk=planning.plan([asked])[asked.owner_id])
    if started:
        execution.start(asked.root_type, asked.root_id)
    return made


def task(flow_: Flow, key: str) -> Task:
    """A task as the database has it now."""
    found: Task = Task.objects.select_related("flow", "item").get(flow=flow_, key=key)
    return found


def states(flow_: Flow) -> dict[str, str]:
    """The states of a flow's tasks by key."""
    return dict(Task.objects.filter(flow=flow_).values_list("key", "state"))


def manual_task(by: User | None = None, **item: Any) -> Task:
    """A ready task for a person."""
    made = flow("by_hand", {"key": "work", "kind": "manual", **item})
    return task(made, "work")

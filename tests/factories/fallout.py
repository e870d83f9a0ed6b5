"""Fallout for tests: a flow of two tasks whose first one fell out, the way the engine does it."""

import datetime as dt
import itertools
from typing import Any

from catalog.models import Characteristic, Specification
from fallout.models import Fallout
from fulfillment import execution, planning, trouble
from fulfillment.models import Flow, Kind, PlanDefinition, PlanDependency, PlanItem, Task
from kernel import lifecycle, outbox
from tests.factories import cmdb
from tests.factories.crm import SiteFactory

_count = itertools.count(1)


def plan() -> PlanDefinition:
    """A published plan: create the port from a VLAN, then test it."""
    made = PlanDefinition.objects.filter(key="test_port_add").first()
    if made:
        return made
    own = Specification.objects.filter(key="test_port").first() or cmdb.specification("resource", "test_port")
    Characteristic.objects.create(
        specification=own, key="vlan", name="VLAN", type="number", minimum=2, maximum=4094, source="enrichment"
    )
    definition = PlanDefinition.objects.create(
        key="test_port_add", name="Provision an IP port", specification=own, starts_on=dt.date(2020, 1, 1)
    )
    create = PlanItem.objects.create(
        definition=definition, key="create", name="Provision the IP port", kind=Kind.MANUAL, position=1, sla_hours=8,
        adapter="provisioning", operation="port.create", inputs=["vlan", "bandwidth?"], outputs=["pe_port"],
        team="IP Provisioning", fallout_team="IP Provisioning",
    )  # fmt: skip
    test = PlanItem.objects.create(
        definition=definition, key="test", name="Measure the port", kind=Kind.MANUAL, position=2, inputs=["pe_port"]
    )
    PlanDependency.objects.create(after=test, before=create)
    lifecycle.move(PlanDefinition.objects.locked(definition.pk), PlanDefinition.publish, by=None)
    return PlanDefinition.objects.get(pk=definition.pk)


def flow(site: Any = None, **values: Any) -> Flow:
    """A running flow of that plan."""
    definition, site, n = plan(), site or SiteFactory(), next(_count)
    request = planning.FlowRequest(
        **{
            "owner_type": "test.owner", "owner_id": n, "root_type": "test.root", "root_id": n,
            "root_number": f"ORD8{n:06d}", "line_key": "", "account_id": site.account_id, "site_id": site.pk,
            "specification_id": definition.specification_id, "specification_key": "test_port", "action": "add",
            "name": "IP port", "data": {"vlan": 2114, "bandwidth": "1G"},
        }
        | values
    )  # fmt: skip
    made: Flow = Flow.objects.get(pk=planning.plan([request])[request.owner_id])
    execution.start(request.root_type, request.root_id)
    return made


def fallen_task(site: Any = None, cause: str = "VLAN already in use", **values: Any) -> Task:
    """A task that failed for good; nobody has heard of it yet."""
    suggestion = values.pop("suggestion", {"vlan": 2131})
    made = flow(site, **values)
    task = Task.objects.locked(made.tasks.get(key="create").pk)
    lifecycle.move(task, Task.start, by=None)
    detail = "The router already uses VLAN 2114."
    trouble.fall_out({task.pk: trouble.Trouble("provisioning", cause, detail, suggestion)})
    return Task.objects.get(pk=task.pk)


def fallout(site: Any = None, **values: Any) -> Fallout:
    """An open record."""
    task = fallen_task(site, **values)
    outbox.drain()
    return Fallout.objects.get(task=task, state="open")

"""Delivering: Meridor's order from the signed quote to live services, each act by the person whose job it is."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils import timezone

from config.demo.selling import Deal, Settle
from crm import accounts
from fallout import resolution
from fallout.models import Fallout
from fulfillment import projects, taskwork
from fulfillment.models import Project, ProjectTask, Task
from kernel.models import ApprovalStep, User
from orders import approval, capture, editing, enrichment, questions, submission, validation
from orders.models import Order


@dataclass
class Delivery:
    """One order on its way. `settle` waits until a condition holds: by live workers, or by doing their work here."""

    deal: Deal
    settle: Settle
    order: Order = field(init=False)
    refused: list[str] = field(default_factory=list)
    mends: bool = True  # whether what falls out is mended here, or left to people at their screens

    def state(self) -> str:
        """The order's state as it is now."""
        return str(Order.objects.values_list("state", flat=True).get(pk=self.order.pk))


def submit_order(run: Delivery) -> str:
    """The order agent makes the order; it is refused until the billing profile is there, then submitted."""
    deal, tom = run.deal, run.deal.team["order_agent"]
    run.order = capture.from_quote(quote_id=deal.quote.pk, by=tom)
    try:
        submission.submit(order_id=run.order.pk, by=tom)
    except validation.Incomplete as refusal:
        run.refused = [text for texts in refusal.problems.values() for text in texts]
    profile = accounts.add_billing_profile(
        account_id=deal.account.pk, by=tom, invoice_email="invoices@meridor.example", street="Takkebijsters 17",
        postcode="4817 BL", city="Breda", country="NL", purchase_order="PO-7741-26",
    )  # fmt: skip
    wanted = {
        "requested_on": timezone.localdate() + dt.timedelta(days=150), "their_reference": "PO-7741-26",
        "billing_profile": profile.pk,
    }  # fmt: skip
    editing.edit(order_id=run.order.pk, by=tom, changes=wanted)
    submission.submit(order_id=run.order.pk, by=tom)
    return f"{run.order.number} is submitted; it was refused first: {' '.join(run.refused)}"


def enrich(run: Delivery) -> str:
    """Tables fill technical data; what they do not know the fulfilment agent supplies."""
    ravi = run.deal.team["order_fulfilment_agent"]
    run.settle(lambda: run.state() in ("enrichment_on_hold", "awaiting_approval", "approved", "in_progress"))
    asked = questions.waiting(run.order)
    if asked:
        values = {question.pk: question.characteristic.choices[1] for question in asked}
        enrichment.supply_all(order_id=run.order.pk, values=values, by=ravi)
    return f"Technical data are complete; {len(asked)} value{'s' * (len(asked) != 1)} came from {ravi}."


def approve(run: Delivery) -> str:
    """Whoever the decision table names approves."""
    run.settle(lambda: run.state() in ("awaiting_approval", "approved", "in_progress"))
    because = []
    while step := _next_step(run.order):
        by = run.deal.team[step.role]
        approval.decide(step_id=step.pk, by=by, approve=True, reason="Checked.")
        because.append(f"{by} ({step.because.lower()})")
    run.settle(lambda: run.state() == "in_progress")
    return f"Approved by {', '.join(because) or 'nobody, for no rule asks'}."


def _next_step(order: Order) -> ApprovalStep | None:
    return (
        ApprovalStep.objects.filter(
            request__subject_type="orders.order",
            request__subject_id=order.pk,
            request__state="open",
            decision="pending",
        )
        .order_by("sequence", "id")
        .first()
    )


def work(run: Delivery) -> Iterator[str]:
    """Do what people can do now: manual and field tasks, the access build, fallout. One line for each thing done."""
    team = run.deal.team
    for task in _tasks_for_people(run.order):
        by = team["technician"] if task.kind == "field_work" else team["order_fulfilment_agent"]
        yield _do(task, by)
    yield from _build(run.order, team["fulfilment_manager"])
    open_ones = Fallout.objects.filter(order=run.order, state__in=["open", "in_progress"]).order_by("pk")
    for record in open_ones if run.mends else ():
        yield _mend(record, team["fallout_agent"])


def _tasks_for_people(order: Order) -> list[Task]:
    return list(
        Task.objects.filter(
            flow__root_type="orders.order", flow__root_id=order.pk, kind__in=["manual", "field_work"],
            state__in=["ready", "in_progress"],
        )
        .select_related("item", "flow__site")
        .order_by("pk")
    )  # fmt: skip


def _do(task: Task, by: User) -> str:
    values = {entry["key"]: (entry.get("choices") or [f"meridor-{task.flow_id}"])[0] for entry in task.item.form}
    if task.state == Task.State.READY:
        taskwork.start(task.pk, by)
    taskwork.complete(task.pk, by, values=values, ticked=list(task.item.checklist))
    where = f" at {task.flow.site.name}" if task.flow.site else ""
    return f"{by} did “{task.name}”{where}."


def _build(order: Order, by: User) -> Iterator[str]:
    tasks = ProjectTask.objects.filter(
        project__root_number=order.number, project__state=Project.State.IN_PROGRESS, done_at__isnull=True
    ).order_by("project", "position")
    for task in tasks.select_related("project"):
        projects.finish_task(task.pk, by)
        yield f"{by} finished “{task.name}” of {task.project.number}."


def _mend(record: Fallout, by: User) -> str:
    if record.state == Fallout.State.OPEN:
        resolution.take(fallout_id=record.pk, by=by)
    if record.suggestion:
        raw = {name: str(value) for name, value in record.suggestion.items()}
        resolution.edit_and_retry(fallout_id=record.pk, raw=raw, note="The first free value.", by=by)
        return f"{by} mended {record.number}: {record.cause}, with {record.suggestion}."
    resolution.retry(fallout_id=record.pk, note="Once more.", by=by)
    return f"{by} retried {record.number}: {record.cause}."

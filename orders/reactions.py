"""Reactions: what orders do when something was announced."""

from typing import Any

from contracts import events as promises
from fulfillment import events as engine
from kernel import announcing, approvals, outbox
from kernel import events as kernel_events
from kernel.models import ApprovalRequest
from orders import approval, enrichment, events, futuredating, handover, jeopardy, orchestration, progress, switchoff
from orders.models import DomainOrder, Order

OWNER = DomainOrder._meta.label_lower
WORDS = {
    Order.State.COMPLETED: "complete. Everything you ordered works.",
    Order.State.PARTIAL: "partly complete. We will contact you about the rest.",
    Order.State.FAILED: "not possible to deliver. We will contact you.",
    Order.State.CANCELLED: "cancelled.",
}


@outbox.reaction_to_many(events.OrderSubmitted)
def enrich(told: list[events.OrderSubmitted]) -> None:
    """Promises are filled with technical data, then approved; their orders are locked by key."""
    for order_id in sorted({event.order_id for event in told}):
        enrichment.run(order_id=order_id)


@approvals.closed(Order._meta.label_lower)
def approval_ended(made: ApprovalRequest) -> None:
    """People have decided, wherever they pressed the button."""
    approval.end(made)


@outbox.reaction_to_many(events.OrderApproved)
def launch(told: list[events.OrderApproved]) -> None:
    """Approved orders go to work."""
    orchestration.launch_all(order_ids={event.order_id for event in told})


@outbox.reaction_to_many(engine.StageReached)
@announcing.holding()
def tell_milestones(told: list[engine.StageReached]) -> None:
    """Other systems hear how far their orders are."""
    label = Order._meta.label_lower
    for event in told:
        if event.root_type == label:
            announcing.tell("milestone", label, {event.root_id: {"note": [None, event.stage]}})


@outbox.reaction_to_many(engine.FlowStarted)
def flows_started(told: list[engine.FlowStarted]) -> None:
    """Work on domain orders began."""
    progress.flows_started(node_ids={event.owner_id for event in told if event.owner_type == OWNER})


@outbox.reaction_to_many(engine.FlowCompleted)
def flows_completed(told: list[engine.FlowCompleted]) -> None:
    """Work on domain orders is done."""
    progress.flows_completed(node_ids={event.owner_id for event in told if event.owner_type == OWNER})


@outbox.reaction_to_many(kernel_events.TypedFileCame)
def papers_came(told: list[kernel_events.TypedFileCame]) -> None:
    """What waited for its papers alone ends now."""
    label = Order._meta.label_lower
    progress.papers_came(order_ids={event.subject_id for event in told if event.subject_type == label})


@outbox.reaction_to_many(engine.TaskSuppliedValues)
def values_supplied(told: list[engine.TaskSuppliedValues]) -> None:
    """Tasks put out values of domain orders; what was told first counts."""
    values: dict[int, dict[str, Any]] = {}
    for event in told:
        if event.owner_type == OWNER and event.values:
            values[event.owner_id] = event.values | values.get(event.owner_id, {})
    progress.values_supplied(values=values)


@outbox.reaction_to_many(events.OrderLineCompleted)
def bill(told: list[events.OrderLineCompleted]) -> None:
    """What works is billed."""
    for order_id in sorted({event.order_id for event in told}):
        handover.bill(order_id=order_id)


@outbox.reaction_to_many(events.OrderLineCompleted)
def end_replaced(told: list[events.OrderLineCompleted]) -> None:
    """What works takes the place of what was there, which ends now."""
    if found := futuredating.free(event.line_id for event in told):
        orchestration.go_on_all(lines=found)


@outbox.reaction_to_many(events.OrderEnded)
def tell_customer(told: list[events.OrderEnded]) -> None:
    """Customers hear how their orders ended."""
    orders = Order.objects.select_related("contact__user").in_bulk({event.order_id for event in told})
    switching = futuredating.switching(orders)
    for event in told:
        if words := WORDS.get(Order.State(event.state)):
            order = orders[event.order_id]
            if words == WORDS[Order.State.COMPLETED] and order.channel == Order.Channel.CONTRACT:
                words = "complete. What the contract covered is switched off."
            elif words == WORDS[Order.State.COMPLETED] and order.pk in switching:
                words = "complete. It is as you asked."
            handover.tell(order, f"your order “{order.title}” is {words}")


@outbox.reaction_to_many(events.OrderStarted)
def look_ahead(told: list[events.OrderStarted]) -> None:
    """What was started gets its first outlook."""
    jeopardy.look_again(event.order_id for event in told)


@outbox.reaction_to_many(engine.TaskFellOut)
def trouble_came(told: list[engine.TaskFellOut]) -> None:
    """What failed may endanger the date."""
    jeopardy.look_again(progress.orders_of(event.task_id for event in told))


@outbox.reaction_to_many(engine.TaskRecovered)
def trouble_went(told: list[engine.TaskRecovered]) -> None:
    """What was mended may save the date."""
    jeopardy.look_again(progress.orders_of(event.task_id for event in told))


@outbox.reaction(promises.ContractEnded)
def switch_off(event: promises.ContractEnded) -> None:
    """What a contract that ended leaves at the sites is disconnected."""
    switchoff.order_ends([event.contract_id])

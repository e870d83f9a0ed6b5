"""Reactions: what orders do when something was announced."""

from fulfillment import events as engine
from kernel import approvals, outbox
from kernel.models import ApprovalRequest
from orders import approval, enrichment, events, handover, orchestration, progress
from orders.models import DomainOrder, Order

OWNER = DomainOrder._meta.label_lower
WORDS = {
    Order.State.COMPLETED: "complete. Everything you ordered works.",
    Order.State.PARTIAL: "partly complete. We will contact you about the rest.",
    Order.State.FAILED: "not possible to deliver. We will contact you.",
    Order.State.CANCELLED: "cancelled.",
}


@outbox.reaction(events.OrderSubmitted)
def enrich(event: events.OrderSubmitted) -> None:
    """A promise is filled with technical data, then approved."""
    enrichment.run(order_id=event.order_id)


@approvals.closed(Order._meta.label_lower)
def approval_ended(made: ApprovalRequest) -> None:
    """People have decided, wherever they pressed the button."""
    approval.end(made)


@outbox.reaction(events.OrderApproved)
def launch(event: events.OrderApproved) -> None:
    """An approved order goes to work."""
    orchestration.launch(order_id=event.order_id)


@outbox.reaction(engine.FlowStarted)
def flow_started(event: engine.FlowStarted) -> None:
    """Work on a domain order began."""
    if event.owner_type == OWNER:
        progress.flow_started(node_id=event.owner_id)


@outbox.reaction(engine.FlowCompleted)
def flow_completed(event: engine.FlowCompleted) -> None:
    """Work on a domain order is done."""
    if event.owner_type == OWNER:
        progress.flow_completed(node_id=event.owner_id)


@outbox.reaction(engine.TaskSuppliedValues)
def values_supplied(event: engine.TaskSuppliedValues) -> None:
    """A task put out values of a domain order."""
    if event.owner_type == OWNER:
        progress.values_supplied(node_id=event.owner_id, values=event.values)


@outbox.reaction(events.OrderLineCompleted)
def bill(event: events.OrderLineCompleted) -> None:
    """What works is billed."""
    handover.bill(order_id=event.order_id)


@outbox.reaction(events.OrderEnded)
def tell_customer(event: events.OrderEnded) -> None:
    """The customer hears how the order ended."""
    order = Order.objects.select_related("contact__user").get(pk=event.order_id)
    if words := WORDS.get(Order.State(event.state)):
        handover.tell(order, f"your order “{order.title}” is {words}")

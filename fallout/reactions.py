"""What fallout does when the engine announces something."""

from fallout import detection, resolution
from fulfillment.events import TaskFellOut, TaskRecovered
from kernel import outbox
from orders.events import OrderLinesWithdrawn


@outbox.reaction(TaskFellOut)
def open_record(event: TaskFellOut) -> None:
    """A task failed for good."""
    detection.open_for(
        task_id=event.task_id, kind=event.kind, cause=event.cause, detail=event.detail, suggestion=event.suggestion
    )


@outbox.reaction(TaskRecovered)
def close_records(event: TaskRecovered) -> None:
    """The task got through."""
    resolution.recovered(task_id=event.task_id)


@outbox.reaction(OrderLinesWithdrawn)
def cancel_records(event: OrderLinesWithdrawn) -> None:
    """Lines were given up, and with them tasks that had fallen out."""
    resolution.withdrawn(order_id=event.order_id)

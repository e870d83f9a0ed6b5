"""Redating: what another date of a task means for the order, shown before it counts."""

import datetime as dt
from dataclasses import dataclass, field

from fulfillment import forecasting, jeopardy, taskdate
from fulfillment.forecasting import Expected
from fulfillment.models import Level, Task
from kernel.models import User
from orders import jeopardy as outlook
from orders.models import Order

ROOT = Order._meta.label_lower


@dataclass(frozen=True)
class Moved:
    """One task that would end on another day."""

    task: Expected
    before: dt.date

    @property
    def days(self) -> int:
        """Working days later; negative when earlier."""
        return self.task.place.between(self.before, self.task.ends_on)


@dataclass
class Consequence:
    """What would change: tasks by day, the order's end, its slip against the promise in working days."""

    before: dt.date | None = None
    after: dt.date | None = None
    slip: int = 0
    level: Level = Level.NONE
    moved: list[Moved] = field(default_factory=list)
    sites: int = 0

    @property
    def later(self) -> bool:
        """Whether the whole order ends later."""
        return bool(self.before and self.after and self.after > self.before)


def preview(order: Order, task: Task, day: dt.date | None, *, today: dt.date | None = None) -> Consequence:
    """Try a day out for a task of an order that is at work. Nothing is written."""
    known = forecasting.project(ROOT, order.pk, today=today)
    tried = forecasting.project(ROOT, order.pk, today=today, ends={task.pk: day} if day else None)
    made = Consequence()
    if known.last is None or tried.last is None:
        return made
    made.before, made.after = known.last.ends_on, tried.last.ends_on
    made.moved = [
        Moved(found, known.tasks[pk].ends_on)
        for pk, found in tried.tasks.items()
        if pk != task.pk and pk in known.tasks and found.ends_on != known.tasks[pk].ends_on
    ]
    made.moved.sort(key=lambda one: (-abs(one.days), one.task.ends_on, one.task.pk))
    made.sites = len({one.task.site for one in made.moved if one.task.site})
    last, promised = tried.last, order.promised_on
    made.slip = last.place.between(promised, last.ends_on) if promised else 0
    likely = last.place.between(promised, last.likely_on) if promised else 0
    length = 1
    if promised and order.started_at:
        length = last.place.between(order.started_at.date(), promised)
    made.level = jeopardy.Judge().level("order", late=made.slip, late_likely=likely, length=length, critical=True)
    return made


def redate(*, order_id: int, task_id: int, day: dt.date | None, reason: str, by: User) -> Task:
    """Let a task of an order end on another day, then work the order's outlook out again.

    Raises:
        NotPermitted, Conflict, Refusal: see `fulfillment.taskdate.say`.
    """
    taskdate.require_right(by)
    task = taskdate.say(task_id=task_id, day=day, reason=reason, by=by)
    outlook.refresh(order_id)
    return task


__all__ = ["Consequence", "Moved", "preview", "redate"]

"""The outlook: what an order is blocked by and what happens next, in words."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Min
from django.db.models.functions import Coalesce
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from fulfillment import maintenance
from fulfillment.models import Task
from fulfillment.queries import Link
from kernel import approvals, paperwork, writing
from kernel.models import AuditEntry, User
from kernel.saying import said
from orders import closure, dependencies, questions, supplying
from orders.models import DomainOrder, Order

ROOT = Order._meta.label_lower
FEW = 4


@dataclass(frozen=True)
class Item:
    """One sentence with its small print and, if somebody has to act, where."""

    icon: str
    tone: str
    strong: str
    text: str = ""
    when: str = ""
    url: str = ""
    word: str = ""


def fallen(order: Order) -> list[Task]:
    """Tasks that have fallen out, with their flows."""
    rows = Task.objects.filter(flow__root_type=ROOT, flow__root_id=order.pk, state=Task.State.ON_HOLD).exclude(
        problem=""
    )
    return list(rows.select_related("flow__site", "assignee").order_by("pk"))


def blocked_by(order: Order, tasks: list[Task], user: User) -> list[Item]:
    """What keeps the order from going on, worst first, with what this person can do about it."""
    items = [_failed(of_name) for of_name in _alike(tasks)]
    if len(items) > FEW:
        left = sum(map(len, _alike(tasks)[FEW:]))
        items = [*items[:FEW], Item("alert-triangle", "bad", f"{left} more have failed", "They stand in the tree.")]
    items += _paused(order) + _people(order, user) + _waiting_nodes(order) + _requirements(order) + _papers(order)
    return items


def _alike(tasks: list[Task]) -> list[list[Task]]:
    """A few failed tasks one by one; of many, those of one name together, the most first."""
    if len(tasks) <= FEW:
        return [[task] for task in tasks]
    found: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        found[task.name].append(task)
    return sorted(found.values(), key=len, reverse=True)


def _failed(tasks: list[Task]) -> Item:
    """One sentence for a failed task, or for all of one name; the record that it opens leads to the others."""
    first = tasks[0]
    where, problem = _at(first), f"{first.problem.rstrip('.')}."
    many = f"{len(tasks)} times" if len(tasks) > 1 else ""
    words = f"{where}. {problem}"
    return Item(
        "alert-triangle", "bad", f"{first.name} failed{f' {many}.' if many else ''}", words,
        first.team or str(first.assignee or ""), fallout_url(first), "Open fallout",
    )  # fmt: skip


def _people(order: Order, user: User) -> list[Item]:
    items = []
    word = "Fill in" if user.has_perm("orders.enrich_order") else ""
    place = reverse("orders:values", args=[order.number]) if word else ""
    for asked in questions.waiting(order)[:FEW]:
        where = f" at {asked.line.site.name}" if asked.line and asked.line.site else ""
        items.append(
            Item(
                "hourglass", "wait", f"{asked.characteristic.name}?",
                f"{asked.characteristic.specification.name}{where} needs it.",
                "Asked of the fulfilment agents", place, word,
            )
        )  # fmt: skip
    made = approvals.current(order) if order.state == Order.State.AWAITING_APPROVAL else None
    if made:
        items += [
            Item("user-check", "wait", f"{step.role.replace('_', ' ').capitalize()} decides.", step.because)
            for step in approvals.current_steps(made)
        ]
    return items


def _paused(order: Order) -> list[Item]:
    """Why nothing new starts in the whole order, in the words of whoever held it or paused the engine."""
    if order.state == Order.State.IN_PROGRESS and (pause := maintenance.current()):
        text = f"“{pause.reason}” Nothing new starts until it is resumed."
        return [Item("player-pause", "wait", "The engine is paused.", text, str(pause.by or ""))]
    if order.state not in (Order.State.ON_HOLD, Order.State.AWAITING_INFORMATION):
        return []
    word = "The order is on hold." if order.state == Order.State.ON_HOLD else "The customer has to answer."
    rows = AuditEntry.objects.filter(subject_type=ROOT, subject_id=order.pk, action__in=("hold", "await_information"))
    entry = rows.select_related("actor").order_by("-id").first()
    said, who = (f"“{entry.reason}”", str(entry.actor or "")) if entry and entry.reason else ("", "")
    text = f"{said} Nothing new starts until it is resumed.".strip()
    return [Item("player-pause", "wait", word, text, who)]


def _waiting_nodes(order: Order) -> list[Item]:
    """Nodes that wait for a value nobody was asked for, with the task or system that gives it."""
    asked = {m.characteristic.key for m in questions.waiting(order)}
    rows = DomainOrder.objects.filter(order=order, state=DomainOrder.State.WAITING_DATA).order_by("pk")
    nodes = [node for node in rows.select_related("site", "line__site") if set(node.missing) - asked][:FEW]
    waits = supplying.of(order, nodes)
    items = []
    for node in nodes:
        site = node.site or node.line.site
        where = f" at {site.name}" if site else ""
        supplies = [supply for supply in waits[node.pk] if supply.key not in asked]
        what = ", ".join(supply.name for supply in supplies)
        who = supplies[0].who[:1].upper() + supplies[0].who[1:]
        items.append(Item("hourglass", "wait", f"{node.name}{where} waits for {what}.", f"{who}.", "", supplies[0].url,
                          "Open it"))  # fmt: skip
    return items


def _requirements(order: Order) -> list[Item]:
    """Lines that are done but lack what they require."""
    if order.state != Order.State.IN_PROGRESS:
        return []
    roots = DomainOrder.objects.filter(order=order, depth=0, state=DomainOrder.State.CLOSED_COMPLETE).values("line")
    done = list(order.lines.filter(pk__in=roots).exclude(state="completed").select_related("specification", "site"))
    return (
        [
            Item("link", "wait", clash.text, "The line closes once it is there.")
            for clash in dependencies.clashes(order, done)
        ]
        if done
        else []
    )


def _papers(order: Order) -> list[Item]:
    """Files that keep an order from being complete once all of its lines are."""
    words = paperwork.lacking(Order, [order.pk], Order.State.COMPLETED).get(order.pk, [])
    if not words or not closure.only_papers(Order.objects.filter(pk=order.pk)).exists():
        return []
    text = "All lines are done. The order is complete once this is added under Documents."
    return [Item("file-text", "wait", f"{', '.join(words)}.", text)]


def next_up(order: Order) -> list[Item]:
    """What happens next, in words; for an order that has not started what it still goes through."""
    before = {
        "draft": Item("send", "idle", "An order agent submits the order", "It is checked as a whole first."),
        "submitted": Item("settings-automation", "idle", "Technical data are filled by rules",
        "What they cannot fill is asked."),
        "enrichment_in_progress": Item("user-check", "idle", "Credit, dates and feasibility are checked",
        "Then approvers decide."),
        "enrichment_on_hold": Item("user-check", "idle", "Once the values are here, approval follows by itself"),
        "awaiting_approval": Item("git-branch", "idle",
        "Once approved, products are reserved and work is planned by itself"),
        "approved": Item("git-branch", "idle", "Decomposition and planning run now"),
    }  # fmt: skip
    if order.state in before:
        return [before[order.state]]
    if order.state not in (Order.State.IN_PROGRESS, Order.State.ON_HOLD, Order.State.AWAITING_INFORMATION):
        return []
    rows = Task.objects.filter(flow__root_type=ROOT, flow__root_id=order.pk)
    now = list(
        rows.filter(state__in=["ready", "in_progress", "awaiting_information"])
        .select_related("flow__site", "assignee", "forecast").order_by("forecast__ends_on", "pk")[:FEW]
    )  # fmt: skip
    later = list(
        rows.filter(state="planned")
        .values("name")
        .annotate(day=Coalesce(Min("forecast__ends_on"), Min("estimated_end")))
        .order_by("day", "name")[: FEW - len(now) + 2]
    )
    items = [_running(task) for task in now]
    items += [Item("git-branch", "idle", f"After that: {row['name']}", "", _day(row["day"])) for row in later]
    return items[: FEW + 1]


def task_blocked_by(task: Task, waits: list[Link]) -> list[Item]:
    """What keeps one task from starting or going on."""
    if task.state in Task.CLOSED:
        return []
    items = []
    if task.in_fallout:
        items.append(Item("alert-triangle", "bad", "It failed.", f"{task.problem.rstrip('.')}.", task.team,
                          fallout_url(task), "Open fallout"))  # fmt: skip
    elif task.state in (Task.State.ON_HOLD, Task.State.AWAITING_INFORMATION):
        word = "It is paused." if task.state == Task.State.ON_HOLD else "Somebody has to answer."
        items.append(Item("player-pause", "wait", word, task.reason))
    if task.flow.state == "on_hold":
        items.append(Item("player-pause", "wait", f"{task.flow.root_number} is on hold.", "Nothing new starts."))
    for link in [link for link in waits if not link.met][:FEW]:
        small = ", ".join(filter(None, [str(link.task.assignee or link.task.team), _day(_expected(link.task))]))
        items.append(Item("hourglass", "wait", _where(link.task), f"{link.words}.", small))
    if left := sum(not link.met for link in waits) - FEW:
        items += [Item("hourglass", "wait", f"{left} more have to be done first.")] if left > 0 else []
    return items


def task_next(task: Task, held: list[Task]) -> list[Item]:
    """What happens once one task is done, in words."""
    if task.state in Task.CLOSED:
        return []
    if not held:
        return [Item("flag", "idle", "Nothing waits for it.", "It ends its part of the order.")]
    return [
        Item("git-branch", "idle", f"After that: {_where(other)}", "",
             _day(_expected(other)))
        for other in held[: FEW + 1]
    ]  # fmt: skip


def _where(task: Task) -> str:
    """A task with its place."""
    return f"{task.name}, {task.flow.site.name}" if task.flow.site else task.name


def _expected(task: Task) -> dt.date | None:
    """When it is expected by now."""
    forecast = getattr(task, "forecast", None)
    found: dt.date | None = forecast.ends_on if forecast else task.estimated_end or task.planned_end
    return found


def _running(task: Task) -> Item:
    who = str(task.assignee) if task.assignee else task.team
    icons = {"field_work": "calendar", "project": "truck-delivery", "manual": "user", "wait_event": "hourglass"}
    doing = {"in_progress": "under way", "ready": "can start"}.get(task.state, "waits for an answer")
    small = ", ".join(filter(None, [who, _day(_expected(task))]))
    return Item(icons.get(task.kind, "player-play"), "idle", _where(task), doing, small)


def _day(day: dt.date | None) -> str:
    if day is None:
        return ""
    away = (day - timezone.localdate()).days
    if away < 0:
        return str(said(f"was due {writing.kept(day, 'j M')}"))
    return str(said({0: "today", 1: "tomorrow"}[away]) if away < 2 else writing.day(day, "D j M"))


def _at(task: Task) -> str:
    return task.flow.site.name if task.flow.site else "In this order"


def fallout_url(task: Task) -> str:
    """Where a fallen task is mended, if the fallout desk is there; "" otherwise."""
    try:
        return reverse("fallout:of_task", args=[task.number])
    except NoReverseMatch:
        return ""

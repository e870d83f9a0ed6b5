"""Reports of the engine: the steps at which work piles up, and whether teams are done on the planned day."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, F, Q
from django.db.models.functions import TruncDate

from catalog.reportfilters import SPECIFICATION
from fulfillment import queries
from fulfillment.models import Task
from kernel import reporting
from kernel.models import User
from kernel.reporting import PERIOD, Asked, Chart, Column, Filter, Report, Row
from kernel.reporting.medians import Percentile, days_between

WHO = Filter(
    "who", "Work of", lambda user: (("all", "People and systems"), ("people", "People"), ("systems", "Systems")),
    usual="all",
)  # fmt: skip
MOST = 20  # steps: the worst ones
AT_WORK = (Task.State.IN_PROGRESS,)
HELD = (Task.State.ON_HOLD, Task.State.AWAITING_INFORMATION, Task.State.FAILED)
STANDING = (Task.State.READY, *AT_WORK, *HELD)
ALL, DONE = "whose=all", "whose=all&state=completed"


def _teams(user: User) -> list[tuple[str, str]]:
    names = Task.objects.visible_to(user).exclude(team="").order_by("team").values_list("team", flat=True)
    return [(name, name) for name in names.distinct()]


TEAM = Filter("team", "Team", _teams, all="Any")


def _tasks(asked: Asked) -> Any:
    """Tasks that the reader may see, as the filters leave them."""
    found = Task.objects.visible_to(asked.user).order_by()
    found = found.filter(asked.where(team="team", flow__specification_key="specification"))
    if asked.get("who") in ("people", "systems"):
        people = Q(kind__in=queries.FOR_PEOPLE)
        found = found.filter(people if asked.get("who") == "people" else ~people)
    return found


class Bottlenecks(Report):
    """Steps of plans: what waits, is at work, stands and is late now, and how long the step takes."""

    key, title, group, head = "bottlenecks", "Bottlenecks", "Delivery", "Step"
    lead = "steps at which work waits or stands now, the fullest first"
    permissions = ("fulfillment.view_task", "crm.view_account")
    filters = (PERIOD, TEAM, SPECIFICATION, WHO)
    columns = (
        Column("open", "Open now", query=ALL), Column("ready", "Waiting", query=ALL),
        Column("working", "At work", query=ALL), Column("held", "Standing", query=ALL),
        Column("late", "Past its day", query=ALL), Column("done", "Done in the period", query=DONE),
        Column("p50", "Half done within", "days", counts="done", summed=False, query=DONE),
        Column("p90", "Nine of ten within", "days", counts="done", summed=False, query=DONE),
    )  # fmt: skip
    chart = Chart((("ready", "accent"), ("working", "run"), ("held", "bad")), stacked=True, across=True)
    records, headline = "fulfillment:task_list", "open"
    says = "open tasks that could be worked on now"
    empty = "No task waits, is at work or was done in this period."
    note = f"At most {MOST} steps are shown. Days are calendar days from start to end of tasks done in the period."

    def _parts(self, asked: Asked) -> dict[str, Q]:
        standing = Q(state__in=STANDING)
        return {
            "open": standing, "ready": Q(state=Task.State.READY), "working": Q(state__in=AT_WORK),
            "held": Q(state__in=HELD), "late": standing & Q(planned_end__lt=asked.today),
            "done": Q(state=Task.State.COMPLETED, mode=Task.Mode.DO) & asked.within("ended_at"),
        }  # fmt: skip

    def _measures(self, asked: Asked) -> dict[str, Any]:
        parts, took = self._parts(asked), days_between("started_at", "ended_at")
        measures: dict[str, Any] = {name: Count("pk", filter=part) for name, part in parts.items()}
        for name, share in (("p50", 0.5), ("p90", 0.9)):
            measures[name] = Percentile(took, fraction=share, filter=parts["done"])
        return measures

    def _counted(self, asked: Asked) -> Any:
        parts = self._parts(asked)
        return _tasks(asked).filter(parts["open"] | parts["done"])

    def rows(self, asked: Asked) -> Sequence[Row]:
        found = self._counted(asked).values("name").annotate(**self._measures(asked))
        worst = found.order_by("-open", F("p90").desc(nulls_last=True), "name")
        return [Row(one["name"], one["name"], one) for one in worst[:MOST]]

    def total(self, asked: Asked, rows: Sequence[Row]) -> dict[str, Any]:
        return dict(self._counted(asked).aggregate(**self._measures(asked))) if len(rows) == MOST else {}

    def behind(self, asked: Asked, row: str, column: str) -> Any:
        found = _tasks(asked).filter(self._parts(asked)[column])
        return found.filter(name=row) if row else found

    def label(self, asked: Asked, row: str) -> str:
        return row


class TasksInTime(Report):
    """Whether tasks were done on their planned day, by team."""

    key, title, group, head = "tasks-in-time", "Tasks done on their day", "Service levels", "Team"
    lead = "tasks done in the period, against their planned day"
    permissions = ("fulfillment.view_task", "crm.view_account")
    filters = (PERIOD, TEAM, SPECIFICATION)
    columns = (
        Column("done", "Done", query=DONE), Column("in_time", "On their day", query=DONE),
        Column("late", "Later", query=DONE),
        Column("rate", "Share on their day", "percent", ("in_time", "done"), query=DONE),
        Column("open", "Open now", query=ALL), Column("over", "Past their day now", query=ALL),
    )  # fmt: skip
    chart = Chart((("in_time", "ok"), ("late", "bad")), stacked=True, across=True)
    records, headline = "fulfillment:task_list", "rate"
    empty = "No team has finished a task in this period, and none is open."
    note = "Tasks of teams only; what a system does by itself is left out."

    def _parts(self, asked: Asked) -> dict[str, Q]:
        done = Q(state=Task.State.COMPLETED, mode=Task.Mode.DO, planned_end__isnull=False) & asked.within("ended_at")
        opened = Q(state__in=STANDING)
        return {
            "done": done, "in_time": done & Q(ended_on__lte=F("planned_end")),
            "late": done & Q(ended_on__gt=F("planned_end")), "open": opened,
            "over": opened & Q(planned_end__lt=asked.today),
        }  # fmt: skip

    def _of_people(self, asked: Asked) -> Any:
        found = _tasks(asked).filter(kind__in=queries.FOR_PEOPLE).exclude(team="")
        return found.annotate(ended_on=TruncDate("ended_at"))

    def rows(self, asked: Asked) -> Sequence[Row]:
        parts = self._parts(asked)
        found = self._of_people(asked).filter(parts["done"] | parts["open"]).values("team")
        counted = found.annotate(**{name: Count("pk", filter=part) for name, part in parts.items()})
        return [Row(one["team"], one["team"], one) for one in counted.order_by("team")]

    def behind(self, asked: Asked, row: str, column: str) -> Any:
        found = self._of_people(asked).filter(self._parts(asked)[column])
        return found.filter(team=row) if row else found

    def label(self, asked: Asked, row: str) -> str:
        return row


reporting.add(Bottlenecks(), TasksInTime())

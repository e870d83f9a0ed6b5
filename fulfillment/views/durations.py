"""Learned durations: how long each step takes in truth, beside what its plan says."""

from typing import Any

from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from fulfillment import learning
from fulfillment.models import LearnedDuration, PlanItem
from kernel import tables, workspace


def _step(row: Any) -> str:
    return f"{row.specification_key.replace('_', ' ')}, {row.get_action_display().lower()}"


def _use(row: Any) -> str:
    tasks, days = learning.missing(row)
    lacking = [f"{tasks} more" if tasks else "", f"{days} more day{'s' * (days > 1)}" if days else ""]
    return f"{' and '.join(filter(None, lacking))} to count" if any(lacking) else "counts"


class Days(tables.Number):
    """Working days."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(digits=1, **kwargs)


class DurationTable(tables.Table):
    """Columns of the list."""

    name = tables.Text(sub=_step, verbose_name="Step", css="strong")
    planned = Days(verbose_name="Plan says")
    p50 = Days(verbose_name="Half take at most")
    p90 = Days(verbose_name="Nine of ten take at most")
    samples = tables.Number(sub=_use, verbose_name="Learned from")
    learned_at = tables.When(verbose_name="As of", optional=True)


class Durations(tables.ListPage):
    """The list."""

    title = "Durations"
    lead = "in working days: what plans say and what work takes in truth"
    model = LearnedDuration
    table = DurationTable
    search = ("specification_key", "item_key")
    search_label = "Step or specification"
    sort = "-samples"
    empty = tables.Empty(
        "clock", "Nothing learned yet",
        "Once an hour completed tasks are measured. From five on, done on three days, what they took counts in every "
        "outlook.",
        "Plans", "fulfillment:plan_list",
    )  # fmt: skip

    def rows(self) -> Any:
        """What was learned, with the name and value of the step's newest plan."""
        items = PlanItem.objects.filter(
            key=OuterRef("item_key"), definition__specification__key=OuterRef("specification_key"),
            definition__action=OuterRef("action"),
        ).order_by("-definition__state", "-definition__version")  # fmt: skip
        return LearnedDuration.objects.annotate(
            name=Subquery(items.values("name")[:1]), planned=Subquery(items.values("duration_days")[:1])
        )


@workspace.allowed("fulfillment.view_learnedduration")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list."""
    return tables.show(request, Durations)

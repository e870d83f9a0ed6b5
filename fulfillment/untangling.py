"""Untangling: counters and dependencies of a root are counted again, so that nothing waits for what is over."""

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from fulfillment import release
from fulfillment.models import Flow, Task, TaskDependency

# Counters of planned tasks that differ from their open dependencies; FF and SF do not hold back a person.
_RECOUNT = """
WITH locked AS (
    SELECT t.id, t.kind FROM fulfillment_task t JOIN fulfillment_flow f ON f.id = t.flow_id
    WHERE f.root_type = %s AND f.root_id = %s AND t.state = 'planned' ORDER BY t.id FOR UPDATE OF t
), counted AS (
    SELECT locked.id, count(d.id) AS n FROM locked
    LEFT JOIN fulfillment_taskdependency d ON d.after_id = locked.id AND d.met_at IS NULL
        AND (d.kind IN ('FS', 'SS') OR locked.kind NOT IN ('manual', 'field_work', 'project'))
    GROUP BY 1
)
UPDATE fulfillment_task t SET waits_for = counted.n FROM counted WHERE t.id = counted.id AND t.waits_for <> counted.n
"""


@transaction.atomic
def untangle(root_type: str, root_id: int) -> int:
    """Meet dependencies on closed tasks, recount, release what is free, complete what is done. Returns how much moved.

    The caller holds the root's lock.
    """
    flows = list(
        Flow.objects.filter(root_type=root_type, root_id=root_id, state__in=release.RUNNING).values_list(
            "pk", flat=True
        )
    )
    open_ends = TaskDependency.objects.filter(before=OuterRef("pk"), met_at__isnull=True)
    over = Task.objects.filter(Exists(open_ends), flow__root_type=root_type, flow__root_id=root_id)
    befores = list(over.filter(state__in=Task.CLOSED).order_by("pk").values_list("pk", flat=True))
    release.forgo(befores)
    with connection.cursor() as cursor:
        cursor.execute(_RECOUNT, [root_type, root_id])
        recounted = int(cursor.rowcount)
    free = Task.objects.filter(flow__in=flows, state=Task.State.PLANNED, waits_for=0).values_list("pk", flat=True)
    released = release.promote(list(free))
    with_tasks = Task.objects.filter(flow__in=flows).values("flow")
    completed = release.complete_flows(Flow.objects.filter(pk__in=with_tasks).values_list("pk", flat=True))
    return len(befores) + recounted + len(released) + len(completed)

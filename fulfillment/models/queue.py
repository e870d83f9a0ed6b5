"""The queue: what a machine may take up now, kept by triggers of the tasks, so that tasks need no index by state."""

import pgtrigger
from django.db import models
from django.db.models.functions import Now

FOR_MACHINES = "NEW.kind NOT IN ('manual', 'field_work')"

_ENTER = """
INSERT INTO fulfillment_ready (task_id, flow_id, system, priority, due_at, since)
SELECT NEW.id, NEW.flow_id, CASE WHEN NEW.kind IN ('api_call', 'wait_event')
        THEN (SELECT coalesce(nullif(i.adapter, ''), CASE NEW.kind WHEN 'api_call' THEN 'nobody' ELSE '' END)
              FROM fulfillment_planitem i WHERE i.id = NEW.item_id)
        ELSE '' END, NEW.priority, NEW.due_at, clock_timestamp()
ON CONFLICT (task_id) DO UPDATE SET priority = excluded.priority, due_at = excluded.due_at;
"""
_LEAVE = "DELETE FROM fulfillment_ready WHERE task_id = NEW.id;"
TRIGGERS = [
    pgtrigger.Trigger(
        name="queued_when_made",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        condition=pgtrigger.Condition(f"NEW.state = 'ready' AND {FOR_MACHINES}"),
        func=f"{_ENTER} RETURN NULL;",
    ),
    pgtrigger.Trigger(
        name="queued",
        when=pgtrigger.After,
        operation=pgtrigger.UpdateOf("state", "priority", "due_at"),  # type: ignore[no-untyped-call]
        condition=pgtrigger.Condition(f"((NEW.state = 'ready' OR OLD.state = 'ready') AND {FOR_MACHINES})"),
        func=f"IF NEW.state <> 'ready' THEN {_LEAVE} ELSE {_ENTER} END IF; RETURN NULL;",
    ),
]


class Ready(models.Model):
    """A ready task of the machine's. `system` is the adapter that it calls, empty for steps that need nobody outside.

    Whatever moves a task in or out of `ready` moves its row here in the same statement.
    """

    task = models.OneToOneField(
        "fulfillment.Task", on_delete=models.CASCADE, primary_key=True, related_name="queued", db_constraint=False
    )
    flow = models.ForeignKey(
        "fulfillment.Flow", on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    system = models.CharField(max_length=40)
    priority = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField(null=True, help_text="Not before.")
    since = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "ready tasks"
        indexes = [models.Index(fields=["system", "-priority", "task"], name="ready_in_order")]

    def __str__(self) -> str:
        return f"{self.task_id} for {self.system or 'us'}"

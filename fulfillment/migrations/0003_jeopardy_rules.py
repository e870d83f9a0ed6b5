"""The first rules of jeopardy, as rows of a decision table that a process admin changes."""

import datetime as dt
from typing import Any

from django.db import migrations

SUBJECTS = ["order", "line", "flow", "milestone", "task"]
LEVELS = ["low", "medium", "high", "critical"]
INPUTS = [
    {"name": "subject", "label": "What", "type": "text", "values": SUBJECTS},
    {"name": "critical", "label": "Critical path", "type": "boolean"},
    {"name": "days_late", "label": "Days late, likely", "type": "number"},
    {"name": "days_late_p90", "label": "Days late, 9 of 10", "type": "number"},
    {"name": "percent_late", "label": "% late", "type": "number"},
    {"name": "days_after_request", "label": "Days after the wish", "type": "number"},
]
OUTPUTS = [{"name": "level", "label": "Level", "type": "text", "values": LEVELS}]
PROMISED = "'order', 'line'"
ROWS = [
    {"subject": PROMISED, "days_late": ">= 10", "level": "'critical'", "_note": "Two weeks after the promise"},
    {"subject": PROMISED, "days_late": ">= 3", "percent_late": ">= 50", "level": "'critical'",
     "_note": "Half as long again as was promised"},
    {"subject": PROMISED, "days_late": ">= 5", "level": "'high'", "_note": "A week after the promise"},
    {"subject": PROMISED, "days_late": ">= 1", "level": "'medium'", "_note": "After the promise"},
    {"subject": PROMISED, "days_late_p90": ">= 5", "level": "'medium'", "_note": "The promise holds only with luck"},
    {"subject": PROMISED, "days_late_p90": ">= 1", "level": "'low'"},
    {"subject": PROMISED, "days_after_request": ">= 20", "level": "'low'", "_note": "Long after the customer's wish"},
    {"subject": "'milestone'", "critical": "true", "days_late": ">= 5", "level": "'high'"},
    {"subject": "'milestone'", "days_late": ">= 1", "level": "'low'"},
    {"subject": "'task', 'flow'", "critical": "true", "days_late": ">= 5", "level": "'high'"},
    {"subject": "'task', 'flow', 'milestone'", "critical": "true", "days_late": ">= 1", "level": "'medium'"},
    {"subject": "'task', 'flow'", "days_late": ">= 3", "level": "'low'", "_note": "There is slack; it eats into it"},
]  # fmt: skip
TESTS = [
    {"given": {"subject": "order", "days_late": "2", "days_late_p90": "4", "percent_late": "5"},
     "expect": {"level": "medium"}},
    {"given": {"subject": "line", "days_late": "6", "days_late_p90": "8", "percent_late": "20"},
     "expect": {"level": "high"}},
    {"given": {"subject": "task", "critical": "yes", "days_late": "3", "days_late_p90": "3", "percent_late": "60"},
     "expect": {"level": "medium"}},
    {"given": {"subject": "task", "critical": "no", "days_late": "1", "days_late_p90": "1", "percent_late": "10"},
     "expect": {"level": "nothing"}},
]  # fmt: skip


def add(apps: Any, schema_editor: Any) -> None:
    """The table, unless there is one already."""
    table = apps.get_model("kernel", "DecisionTable")
    if not table.objects.filter(key="jeopardy").exists():
        table.objects.create(
            key="jeopardy", version=1, state="active", valid_from=dt.date(2026, 1, 1), title="When a date is in jeopardy",
            purpose="How badly late work threatens what was promised, so that people hear of it in time. Days are working days.",
            hit="first", inputs=INPUTS, outputs=OUTPUTS, rows=ROWS, tests=TESTS,
        )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("fulfillment", "0002_jeopardy"), ("kernel", "0003_decision_table_versions")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]

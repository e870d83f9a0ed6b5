"""Rule cases: what the judge of jeopardy knows when it asks its decision table, and what it understands."""

from fulfillment import jeopardy
from kernel.tableuse import Fact

FACTS = (
    Fact("subject", "What", "text", ("order", "line", "flow", "milestone", "task")),
    Fact("critical", "Critical path", "boolean"), Fact("days_late", "Days late, likely", "number"),
    Fact("days_late_p90", "Days late, 9 of 10", "number"), Fact("percent_late", "% late", "number"),
    Fact("days_after_request", "Days after the wish", "number"),
)  # fmt: skip
ANSWERS = (Fact("level", "Level", "text", tuple(jeopardy.NAMES)),)

"""Rule cases: what the judge of jeopardy knows when it asks its decision table."""

from fulfillment import jeopardy
from kernel.tableuse import Fact, Use

FACTS = (
    Fact("subject", "What is late", "text", ("order", "line", "flow", "milestone", "task")),
    Fact("days_late", "Days late", "number"), Fact("days_late_p90", "Days late in a bad case", "number"),
    Fact("critical", "On the critical path", "boolean"), Fact("percent_late", "Late, % of its length", "number"),
    Fact("days_after_request", "Days after the wanted date", "number"),
)  # fmt: skip

USES = (
    Use(
        jeopardy.TABLE, "Jeopardy", "How badly a late task, flow, line or order threatens what was planned.",
        facts=lambda key: FACTS, answers=lambda key: (Fact("level", "Level", "text", tuple(jeopardy.NAMES)),),
        needed=lambda key: ["Every forecast asks it; without it nothing is ever in jeopardy."],
    ),
)  # fmt: skip

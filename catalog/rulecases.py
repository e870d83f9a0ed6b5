"""Rule cases: what eligibility knows when it asks its decision table."""

from catalog import eligibility
from kernel.tableuse import Fact, Use

FACTS = (
    Fact("offering", "Offering"), Fact("country", "Country"),
    Fact("region", "Region", "text", ("metro", "regional", "remote")),
)  # fmt: skip

USES = (
    Use(
        eligibility.TABLE, "Eligibility", "Where an offering may not be sold; without the table it may be everywhere.",
        facts=lambda key: FACTS, answers=lambda key: (Fact("problem", "Problem"),),
    ),
)  # fmt: skip

"""Rule cases: what a quote tells the decision table of its approvals, and the last quotes to try a changed table on."""

from collections.abc import Iterable

from contracts import quoteapproval
from contracts.models import Quote
from contracts.quoteapproval import url_of
from kernel.models import User
from kernel.roles import ROLES
from kernel.tableuse import Case, Fact, Use

FACTS = (
    Fact("discount", "Discount, %", "number"), Fact("margin", "Margin, %", "number"),
    Fact("value", "Value over the term", "number"), Fact("term", "Term, months", "number"),
)  # fmt: skip
ANSWERS = (
    Fact("role", "Who approves", "text", tuple(ROLES)), Fact("because", "Because"),
    Fact("sequence", "Sequence", "number"),
)  # fmt: skip


def _cases(key: str, limit: int, user: User) -> Iterable[Case]:
    """Only for those who may see margins, which these cases tell."""
    if user.has_perm("contracts.view_margin"):
        for quote in Quote.objects.visible_to(user).order_by("-id")[:limit]:
            yield Case(f"{quote}", quoteapproval.figures(quote).facts(), url_of(quote))


USES = (
    Use(
        quoteapproval.TABLE, "Quote approval", "Who has to agree to a quote, and why.", facts=lambda key: FACTS,
        answers=lambda key: ANSWERS, cases=_cases,
        needed=lambda key: ["Every quote asks it; without it none can be submitted."],
    ),
)  # fmt: skip

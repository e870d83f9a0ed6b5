"""Rule cases: what quotes and contracts tell their decision tables, and the last ones to try a changed table on."""

from collections.abc import Iterable

from django.utils import timezone

from contracts import discountlimits, earlytermination, periods, quoteapproval
from contracts.models import Contract, ContractLine, Quote
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

END_FACTS = (
    Fact("product", "Product, by its key", "text"), Fact("term", "Term, months", "number"),
    Fact("month", "Month of the term", "number"), Fact("year", "Year of the term", "number"),
    Fact("signed", "Signed on, as 20261231", "number"),
)  # fmt: skip
END_ANSWERS = (Fact("percent", "Percent of the month", "number"), Fact("because", "Because"))


def _cases(key: str, limit: int, user: User) -> Iterable[Case]:
    """Only for those who may see margins, which these cases tell."""
    if user.has_perm("contracts.view_margin"):
        for quote in Quote.objects.visible_to(user).order_by("-id")[:limit]:
            yield Case(f"{quote}", quoteapproval.figures(quote).facts(), quote.get_absolute_url())


def _ends(key: str, limit: int, user: User) -> Iterable[Case]:
    """Running lines of contracts in force, as of the month that comes next."""
    rows = ContractLine.objects.filter(
        contract__in=Contract.objects.visible_to(user), contract__state=Contract.State.ACTIVE, ended_on=None,
        contract__starts_on__isnull=False,
    ).select_related("contract", "offering", "site")  # fmt: skip
    for line in rows.order_by("-id")[:limit]:
        start = line.contract.starts_on or timezone.localdate()
        month = periods.begun(start, timezone.localdate()) + 1
        facts = {
            "product": line.offering.key, "term": line.contract.term_months, "month": month,
            "year": (month - 1) // 12 + 1, "signed": int(f"{line.contract.created_at:%Y%m%d}"),
        }  # fmt: skip
        yield Case(f"{line.contract.number}, {line}", facts, line.contract.get_absolute_url())


USES = (
    Use(
        quoteapproval.TABLE, "Quote approval", "Who has to agree to a quote, and why.", facts=lambda key: FACTS,
        answers=lambda key: ANSWERS, cases=_cases,
        needed=lambda key: ["Every quote asks it; without it none can be submitted."],
    ),
    Use(
        discountlimits.TABLE, "Discounts by hand", "The highest discount that a role may give.",
        facts=lambda key: (Fact("role", "Role", "text", tuple(ROLES)),),
        answers=lambda key: (Fact("most", "Most, %", "number"),),
    ),
    Use(
        earlytermination.TABLE, "Early termination", "What each month left of a term costs when a contract ends early.",
        facts=lambda key: END_FACTS, answers=lambda key: END_ANSWERS, cases=_ends,
        needed=lambda key: ["Every early end asks it; without it no contract is ended before its time."],
    ),
)  # fmt: skip

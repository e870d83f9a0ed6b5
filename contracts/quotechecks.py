"""Site checks of quotes: which lines want one, asking for all of them at once, keeping the answer on the line."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from cmdb import feasibility
from cmdb.models import FeasibilityCheck
from contracts import quotepricing
from contracts.models import Quote, QuoteLine
from kernel import workdays
from kernel.models import User


@transaction.atomic
def check(*, quote_id: int, by: User | None) -> int:
    """Check every line of a draft that wants an answer and has none that holds; how many were asked for.

    Raises:
        NoRules: there is no decision table for it.
    """
    quote: Quote = Quote.objects.locked(quote_id)
    lines = quotepricing.lines_of(quote)
    asked = answer(lines, by=by, strict=True)
    if asked:
        quotepricing.price_lines(quote, lines)
    return asked


def answered(*, check_id: int) -> None:
    """Price the draft lines of a check anew, as its answer has come."""
    drafts = QuoteLine.objects.filter(feasibility=check_id, quote__state=Quote.State.DRAFT).order_by("quote_id")
    for quote_id in list(drafts.values_list("quote_id", flat=True).distinct()):
        with transaction.atomic():
            quote: Quote = Quote.objects.locked(quote_id)
            if quote.state == Quote.State.DRAFT:
                lines = [line for line in quotepricing.lines_of(quote) if line.feasibility_id == check_id]
                quotepricing.price_lines(quote, lines)


def still_open(quote: Quote) -> str:
    """What to say while a required site check has no answer; empty when all have one."""
    wanted = QuoteLine.objects.filter(quote=quote, offering__needs_feasibility=True, site__isnull=False)
    count = wanted.filter(Q(feasibility=None) | Q(feasibility__result=FeasibilityCheck.Result.OPEN)).count()
    if not count:
        return ""
    what = "One site check is" if count == 1 else f"{count} site checks are"
    return f"{what} still open. The quote goes to the customer when they are answered."


def answer(lines: Sequence[QuoteLine], *, by: User | None, strict: bool = False) -> int:
    """Give each line the newest answer that holds, asking where there is none; returns how many were asked for.

    Without `strict` missing rules leave the lines unanswered, to be said when the quote is submitted.
    """
    wanted = [line for line in lines if line.offering.needs_feasibility and line.site_id]
    if not wanted:
        return 0
    known = feasibility.latest((line.site_id, line.offering_id) for line in wanted if line.site_id)
    open_lines: dict[int, list[QuoteLine]] = defaultdict(list)
    changed = []
    for line in wanted:
        found = known.get((line.site_id or 0, line.offering_id))
        if found and (
            feasibility.still_valid(found, line.characteristics) or feasibility.waits(found, line.characteristics)
        ):
            if line.feasibility_id != found.pk:
                line.feasibility = found
                changed.append(line)
        else:
            open_lines[line.offering_id].append(line)
    for offering_id, group in open_lines.items():
        changed += _ask(offering_id, group, by=by, strict=strict)
    if changed:
        QuoteLine.objects.bulk_update(changed, ["feasibility"], batch_size=500)
    return sum(map(len, open_lines.values()))


def ready_on(lead_days: Iterable[int | None], signed_on: dt.date | None = None) -> dt.date | None:
    """The day by which the slowest site has its access when the customer signs on that day (today); None if unknown."""
    days = [number for number in lead_days if number]
    return workdays.calendar().add(signed_on or timezone.localdate(), max(days)) if days else None


def _ask(offering_id: int, lines: list[QuoteLine], *, by: User | None, strict: bool) -> list[QuoteLine]:
    asked: dict[int, dict[str, Any]] = {line.site_id: dict(line.characteristics) for line in lines if line.site_id}
    try:
        checks = feasibility.check_many(site_ids=list(asked), offering_id=offering_id, asked=asked, by=by)
    except feasibility.NoRules:
        if strict:
            raise
        return []
    by_site: dict[int, FeasibilityCheck] = {check.site_id: check for check in checks}
    for line in lines:
        line.feasibility = by_site.get(line.site_id or 0)
    return lines

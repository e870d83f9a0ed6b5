"""Ramps of quotes: the monthly price or the quantity of lines rises in steps over the term."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from catalog import ramps
from contracts import quotepricing, quoting
from contracts.models import Quote, QuoteLine
from kernel import audit
from kernel.models import User
from kernel.refusal import Refusal

TOLD = 5  # lines that the record names


@transaction.atomic
def set_ramp(*, quote_id: int, line_ids: Iterable[int], steps: Iterable[dict[str, Any]], by: User | None) -> Quote:
    """Store the steps of these lines of a draft; without steps they charge the full price from the first month on.

    Raises:
        Frozen: the version is no draft.
        BadRamp: the steps make no ramp; every problem at its place.
        Refusal: a line without a monthly price, which has nothing to ramp.
    """
    quote = quoting.draft(quote_id)
    lines = list(QuoteLine.objects.filter(quote=quote, pk__in=list(line_ids)).select_related("site", "offering"))
    shortest = min((quotepricing.term_of(quote, line) for line in lines), default=quote.term_months)
    read = ramps.read(steps, shortest)
    kept = ramps.stored(read)
    if kept and (bare := [line for line in lines if not line.monthly_list]):
        raise Refusal(problems={"ramp": [f"{bare[0]} has no monthly price to ramp."]})
    fewest = min((line.quantity for line in lines), default=1)
    if problems := {
        f"ramp-{place}-quantity": [f"The line has {fewest}; a step has at most as many."]
        for place, step in enumerate(read)
        if step.quantity and step.quantity > fewest
    }:
        raise ramps.BadRamp(problems=problems)
    before = {worded(line, quote) for line in lines}
    QuoteLine.objects.filter(pk__in=[line.pk for line in lines]).update(ramp=kept)
    quotepricing.price_lines(quote, quotepricing.lines_of(quote))
    after = "; ".join(ramps.worded(read, shortest)) if read else ""
    if before != {after}:
        names = ", ".join(str(line) for line in lines[:TOLD])
        changes = {"ramp": [next(iter(before)) if len(before) == 1 else None, after]}
        audit.record("ramped", quote, by=by, changes=changes, reason=names)
    return quote


def worded(line: QuoteLine, quote: Quote) -> str:
    """The ramp of a line of a quote in words, "" without one."""
    steps = ramps.read(line.ramp, ramps.LONGEST)
    return "; ".join(ramps.worded(steps, quotepricing.term_of(quote, line))) if steps else ""

"""What copying a configuration to other sites would change, priced without storing anything."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from catalog import eligibility, pricing
from catalog.pricing import PricingInput
from contracts import quotegrid, quotepricing, quoting
from contracts.models import Quote, QuoteLine
from contracts.quotecompleteness import specifications_of
from crm.models import Site
from kernel import money
from kernel.money import ZERO

SHOWN = 500  # sites of a dialog


@dataclass(frozen=True)
class Candidate:
    """One site: what happens there, by how much the month changes, or why it cannot be."""

    site: Site
    text: str
    change: Decimal
    no: str = ""
    same: bool = False


def preview(quote: Quote, line: QuoteLine) -> dict[str, Any]:
    """The other sites of the customer as candidates, and the configuration in words."""
    sites = list(quoting.sites_of(quote).exclude(pk=line.site_id).order_by("country", "code")[:SHOWN])
    there = {
        one.site_id: one
        for one in quotepricing.lines_of(quote, offering_id=line.offering_id)
        if one.parent_id is None and one.pk != line.pk
    }
    asked = [(line.offering, {"country": site.country, "region": site.region}) for site in sites]
    refusals = eligibility.problems_of_many(asked)
    book = quotepricing.book_of(quote, {line.offering_id})
    number = quotepricing.sites_by_offering(quote)[line.offering_id]
    specification = specifications_of([line]).get(line.offering.specification_id or 0)
    described = list(specification.characteristics.all()) if specification else []
    found = []
    for site, problems in zip(sites, refusals, strict=True):
        old = there.get(site.pk)
        item = PricingInput(
            offering_id=line.offering_id, values=line.characteristics, region=site.region, country=site.country,
            term=quotepricing.term_of(quote, old or line), sites=max(number, 1), quantity=line.quantity,
            manual=quotepricing.discount_of(quote, old or line),
        )  # fmt: skip
        monthly = quotepricing.summed(pricing.price(book, item), quote.currency)["monthly"]
        before = old.monthly if old else ZERO
        same = old is not None and old.characteristics == line.characteristics
        text = _told(described, old, same)
        found.append(Candidate(site, text, monthly - before, " ".join(problems), same))
    head, rest = quotegrid.details(described, line.characteristics)
    digits = money.digits(quote.currency)
    return {"candidates": found, "digits": digits, "summary": " · ".join(filter(None, (head, rest)))}


def _told(described: Any, old: QuoteLine | None, same: bool) -> str:
    if same:
        return "has it already"
    if old is None:
        return "new here, after its check"
    head, rest = quotegrid.details(described, old.characteristics)
    return f"now {' · '.join(filter(None, (head, rest)))}"

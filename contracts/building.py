"""Building access: paid once for a site and a kind of access, by the line that needs most; never again once built."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from cmdb.models import FeasibilityCheck, Product
from contracts.models import Quote, QuoteLine
from kernel.money import ZERO

BUILT = (FeasibilityCheck.Result.OFF_NET, FeasibilityCheck.Result.NEAR_NET)
SIGNED = (Quote.State.ACCEPTED, Quote.State.COMPLETED)
THERE = (Product.State.ACTIVE, Product.State.SUSPENDED, Product.State.PENDING_TERMINATE)

Access = tuple[int, str]  # a site, and a technology


def cost(line: QuoteLine) -> Decimal:
    """What the access of a line would cost to build if it stood alone, in the company's currency."""
    check = line.feasibility
    return check.build_cost if check and check.result in BUILT else ZERO


@dataclass(frozen=True)
class Builds:
    """Which line of a quote pays for each access that is to be built, and what stands there already."""

    payers: dict[Access, int]
    standing: frozenset[Access] = frozenset()

    def paid_by(self, line: QuoteLine) -> int | None:
        """The line that pays for this line's access; None when there is nothing to build, or no more."""
        place = _place(line)
        return self.payers.get(place) if place and cost(line) and place not in self.standing else None

    def due(self, line: QuoteLine) -> Decimal:
        """What the line itself pays for building."""
        return cost(line) if self.paid_by(line) == line.pk else ZERO


def of(quote: Quote, site_ids: Iterable[int | None]) -> Builds:
    """The builds at these sites, from all lines that the quote has there; with nothing to build it is one question."""
    sites = {pk for pk in site_ids if pk}
    rows = QuoteLine.objects.filter(
        quote=quote, site__in=sites, feasibility__result__in=BUILT, feasibility__build_cost__gt=0
    ).order_by("feasibility__build_cost", "-position", "-pk")  # the last one pays: the most, of equals the first line
    payers: dict[Access, int] = {}
    for pk, site, technology in rows.values_list("pk", "site_id", "feasibility__technology"):
        if site:
            payers[site, technology] = pk
    asked = payers and quote.state not in SIGNED  # what was signed counted with what stood there then
    return Builds(payers, _standing({site for site, _ in payers}) if asked else frozenset())


def beside(quote: Quote, lines: Iterable[QuoteLine]) -> list[int]:
    """Other lines of the quote that what happens to these may make pay for a build, or pay no more."""
    lines = list(lines)
    sites = {line.site_id for line in lines if line.site_id and line.offering.needs_feasibility}
    if not sites:
        return []
    rows = QuoteLine.objects.filter(quote=quote, site__in=sites, feasibility__result__in=BUILT)
    known = {line.pk for line in lines}
    return [pk for pk in rows.values_list("pk", flat=True) if pk not in known]


def _standing(sites: set[int]) -> frozenset[Access]:
    """Accesses that were built for what is installed at these sites."""
    keys = Product.objects.filter(site__in=sites, state__in=THERE).exclude(order_line_key="")
    wanted = list(keys.values_list("order_line_key", flat=True))
    rows = QuoteLine.objects.filter(
        key__in=wanted, site__in=sites, quote__state__in=SIGNED, feasibility__result__in=BUILT
    )
    return frozenset((site, told) for site, told in rows.values_list("site_id", "feasibility__technology") if site)


def _place(line: QuoteLine) -> Access | None:
    return (line.site_id, line.feasibility.technology) if line.site_id and line.feasibility else None

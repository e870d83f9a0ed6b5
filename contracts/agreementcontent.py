"""What an agreement's PDF and page say: figures, discounts, service levels in words, numbered terms."""

from dataclasses import dataclass
from decimal import Decimal

from catalog.models import Charge, SlaMetric
from contracts import clauses, negotiation
from contracts.models import Agreement, AgreementDiscount, AgreementPrice, AgreementTerm
from kernel.money import plain

NAMES = {
    SlaMetric.AVAILABILITY: "Availability", SlaMetric.REPAIR_HOURS: "Time to repair",
    SlaMetric.RESPONSE_MINUTES: "First response", SlaMetric.DELIVERY_DAYS: "Delivery",
}  # fmt: skip


@dataclass(frozen=True)
class Level:
    """One service level: what it is about, and the promise in words."""

    name: str
    promise: str


@dataclass(frozen=True)
class Discount:
    """One negotiated discount in words."""

    on: str
    charges: str
    percent: str


@dataclass(frozen=True)
class AgreementContent:
    """The parts of the document."""

    discounts: list[Discount]
    prices: list[AgreementPrice]
    levels: list[Level]
    terms: list[tuple[int, AgreementTerm]]


def content(agreement: Agreement) -> AgreementContent:
    """Read the parts in five queries."""
    return AgreementContent(
        [
            Discount(
                str(discount.offering or discount.category or "All services"),
                _charges(discount),
                plain(discount.percent),
            )
            for discount in negotiation.discounts_of(agreement)
        ],
        list(agreement.prices.select_related("offering")),
        [level(sla.metric, sla.value) for sla in agreement.slas.order_by("metric")],
        list(enumerate(_terms(agreement), 1)),
    )


def _charges(discount: AgreementDiscount) -> str:
    """Which charges, when, and what is promised for it."""
    told = f"{Charge(discount.charge).label} charges"
    if discount.valid_from:
        told += f", from {discount.valid_from:%-d %B %Y}"
    if discount.valid_until:
        told += f", until {discount.valid_until:%-d %B %Y}"
    if discount.commitment:
        told += f", for {discount.commitment:,.2f} {discount.agreement.currency} a month"
    return told


def _terms(agreement: Agreement) -> list[AgreementTerm]:
    """Terms in order; `changed` marks those that no longer say what the library says."""
    found = list(agreement.terms.select_related("clause"))
    for term in found:
        changed = term.clause is not None and term.text != clauses.worded(term.clause, agreement)
        term.changed = changed  # type: ignore[attr-defined]
    return found


def level(metric: str, value: Decimal) -> Level:
    """A service level in words."""
    amount = plain(value)
    promises = {
        SlaMetric.AVAILABILITY: f"{amount} % of every month", SlaMetric.REPAIR_HOURS: f"within {amount} hours",
        SlaMetric.RESPONSE_MINUTES: f"within {amount} minutes",
        SlaMetric.DELIVERY_DAYS: f"within {amount} working days",
    }  # fmt: skip
    return Level(NAMES[SlaMetric(metric)], promises[SlaMetric(metric)])

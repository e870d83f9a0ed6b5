"""Service level: inherited from the agreement by every service contract, tightened here, never loosened."""

from decimal import Decimal

from django.db import transaction

from catalog.models import TIGHTER_IS_MORE, SlaMetric
from contracts.models import Agreement, Contract, ServiceLevel
from contracts.negotiation import SLA_RANGES
from kernel import audit
from kernel.models import User
from kernel.money import plain
from kernel.refusal import Conflict, NotPermitted, Refusal

OVER = (Contract.State.EXPIRED, Contract.State.TERMINATED, Contract.State.CANCELLED)


class Loosened(Refusal):
    """The new value promises less than what holds."""


def inherit(contracts: list[Contract], agreement: Agreement | None) -> list[ServiceLevel]:
    """Give new service contracts the agreement's global service levels."""
    slas = list(agreement.slas.all()) if agreement else []
    return ServiceLevel.objects.bulk_create(
        ServiceLevel(contract=contract, metric=sla.metric, value=sla.value, inherited_from=sla)
        for contract in contracts
        for sla in slas
    )


@transaction.atomic
def tighten(*, contract_id: int, metric: str, value: Decimal, by: User | None) -> ServiceLevel:
    """Promise more at one site than the agreement does, or promise on a metric of which the agreement says nothing.

    Raises:
        Loosened: the value is not tighter than what holds.
        Conflict: the contract is over.
        NotPermitted: the person may not change contracts.
    """
    if by is not None and not by.has_perm("contracts.move_contract"):
        raise NotPermitted("Your roles do not include the right to change service levels.")
    contract: Contract = Contract.objects.locked(contract_id)
    if contract.kind != Contract.Kind.SERVICE:
        raise Refusal("Service levels belong to the contracts of the sites.")
    if contract.state in OVER:
        raise Conflict(f"This contract is {contract.get_state_display().lower()}; its service levels no longer change.")
    if metric not in SlaMetric.values:
        raise Refusal(problems={"metric": ["There is no such service level."]})
    low, high = SLA_RANGES[metric]
    if not low <= value <= high:
        raise Refusal(problems={"value": [f"{SlaMetric(metric).label}: between {plain(low)} and {high:f}."]})
    level = ServiceLevel.objects.filter(contract=contract, metric=metric).first()
    before = level.value if level else None
    if before is not None and not is_tighter(metric, value, before):
        raise Loosened(problems={"value": [_said(metric, value, before)]})
    level, _ = ServiceLevel.objects.update_or_create(contract=contract, metric=metric, defaults={"value": value})
    told = [one if one is None else plain(one) for one in (before, value)]
    audit.record("service level tightened", contract, by=by, changes={metric: told})
    return level


def is_tighter(metric: str, value: Decimal, than: Decimal) -> bool:
    """Whether a value promises more."""
    return value > than if metric in TIGHTER_IS_MORE else value < than


def _said(metric: str, value: Decimal, before: Decimal) -> str:
    label, now, then = SlaMetric(metric).label, plain(value), plain(before)
    if value == before:
        return f"{label} is {then} already."
    direction = "more" if metric in TIGHTER_IS_MORE else "less"
    return (
        f"{label}: {now} promises less than {then}, which holds. It may be tightened only, to {direction} than {then}."
    )

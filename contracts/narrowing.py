"""Narrowing: service contracts that wait to come into force lose the lines that will not be delivered."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from django.db import transaction

from contracts import entitlement
from contracts.models import Contract, ContractLine, Entitlement, QuoteLine
from kernel import audit, lifecycle
from kernel.models import User


@transaction.atomic
def leave_out(*, quote_line_ids: Iterable[int], by: User | None, reason: str) -> list[int]:
    """Take lines out of service contracts not yet in force; one that keeps none is cancelled. Keys of those touched.

    The sales contract is left as signed: what is owed for it is a commercial matter.
    """
    wanted = set(quote_line_ids)
    lines = ContractLine.objects.filter(quote_line__in=wanted, contract__kind=Contract.Kind.SERVICE)
    pending = lines.filter(contract__state=Contract.State.PENDING_SIGNATURE).values_list("contract", flat=True)
    contracts = Contract.objects.locked_all(set(pending))
    if not contracts:
        return []
    kept: dict[int, list[ContractLine]] = defaultdict(list)
    for line in ContractLine.objects.filter(contract__in=contracts).exclude(quote_line__in=wanted).order_by("pk"):
        kept[line.contract_id].append(line)
    empty = [contract.pk for contract in contracts if not kept[contract.pk]]
    lifecycle.move_many(Contract.objects.filter(pk__in=empty), Contract.cancel, by=by)
    narrowed = [contract for contract in contracts if kept[contract.pk]]
    ContractLine.objects.filter(contract__in=narrowed, quote_line__in=wanted).delete()
    for contract in narrowed:
        _add_up(contract, kept[contract.pk], by, reason)
    _entitlements(narrowed, kept)
    return [contract.pk for contract in contracts]


def _add_up(contract: Contract, lines: list[ContractLine], by: User | None, reason: str) -> None:
    before = {"monthly": contract.monthly, "one_time": contract.one_time}
    contract.monthly = sum((line.monthly for line in lines), Decimal(0))
    contract.one_time = sum((line.one_time for line in lines), Decimal(0))
    after = {"monthly": contract.monthly, "one_time": contract.one_time}
    contract.save(update_fields=["monthly", "one_time", "updated_at"])
    audit.record("narrowed", contract, by=by, changes=audit.difference(before, after), reason=reason)


def _entitlements(contracts: list[Contract], kept: dict[int, list[ContractLine]]) -> None:
    """What only a lost line brought is gone with it, as long as something is left."""
    left = [line.quote_line_id for contract in contracts for line in kept[contract.pk]]
    brought = entitlement.by_site(QuoteLine.objects.filter(pk__in=left).order_by("position", "id"))
    for contract in contracts:
        offerings = brought.get(contract.site_id or 0)
        if offerings:
            Entitlement.objects.filter(contract=contract).exclude(offering__in=offerings).delete()

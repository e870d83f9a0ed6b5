"""Entitlement: what a service contract entitles to; every one does to something, or it is not made."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable

from catalog.models import Offering
from contracts.models import Contract, Entitlement, QuoteLine
from kernel.refusal import Refusal


class NothingEntitled(Refusal):
    """No offering at a site names an entitlement."""


def by_site(lines: Iterable[QuoteLine]) -> dict[int, list[int]]:
    """Site → entitlement offerings that its lines bring, in one query."""
    lines = [line for line in lines if line.site_id]
    through = Offering.entitled_to.through.objects.filter(
        from_offering_id__in={line.offering_id for line in lines}
    ).order_by("to_offering__position", "to_offering_id")
    brought: dict[int, list[int]] = defaultdict(list)
    for source, target in through.values_list("from_offering_id", "to_offering_id"):
        brought[source].append(target)
    found: dict[int, list[int]] = defaultdict(list)
    for line in lines:
        assert line.site_id  # noqa: S101 – filtered above
        found[line.site_id] += [t for t in brought[line.offering_id] if t not in found[line.site_id]]
    return dict(found)


def give(contracts: list[Contract], entitled: dict[int, list[int]]) -> list[Entitlement]:
    """Write the entitlements of new service contracts, undated until the site goes live.

    Raises:
        NothingEntitled: for contracts whose site has none.
    """
    bare = [contract for contract in contracts if not entitled.get(contract.site_id or 0)]
    if bare:
        names = ", ".join(sorted(str(contract.site) for contract in bare))
        raise NothingEntitled(problems={"entitlements": [f"No entitlement is configured for what is sold at {names}."]})
    return Entitlement.objects.bulk_create(
        Entitlement(contract=contract, offering_id=offering)
        for contract in contracts
        for offering in entitled[contract.site_id or 0]
    )


def start(contract_ids: Iterable[int], on: dt.date) -> int:
    """Date the entitlements of contracts that came into force; they end with their contract."""
    ids = list(contract_ids)
    ends = dict(Contract.objects.filter(pk__in=ids).values_list("pk", "ends_on"))
    rows = list(Entitlement.objects.filter(contract_id__in=ids, starts_on__isnull=True))
    for row in rows:
        row.starts_on, row.ends_on = on, ends[row.contract_id]
    return Entitlement.objects.bulk_update(rows, ["starts_on", "ends_on"])

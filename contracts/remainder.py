"""Remainder: what contracts that ended leave behind at their sites, because no other contract carries it on."""

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q, QuerySet

from cmdb.models import Product
from contracts import periods
from contracts.models import Contract, ContractLine, Termination

OVER = (Contract.State.EXPIRED, Contract.State.TERMINATED)
CARRYING = (
    Contract.State.DRAFT, Contract.State.PENDING_SIGNATURE, Contract.State.ACTIVE, Contract.State.SUSPENDED,
)  # fmt: skip
THERE = (Product.State.ACTIVE, Product.State.SUSPENDED)


def heads(contract_ids: Iterable[int]) -> dict[int, Contract]:
    """Contract → the one that its end is told by: the sales contract if that is over as well, else itself."""
    rows = Contract.objects.filter(pk__in=list(contract_ids), state__in=OVER).select_related("parent")
    return {one.pk: one.parent if one.parent and one.parent.state in OVER else one for one in rows}


def keys(contract: Contract, *, as_if_over: bool = False) -> set[UUID]:
    """Keys of the lines of a contract and of those below it that ended, less those that a running contract carries on.

    `as_if_over` asks what it would be if the contract ended today, with all below it.
    """
    below = Q(parent=contract) if as_if_over else Q(parent=contract, state__in=OVER)
    family = list(Contract.objects.filter(Q(pk=contract.pk) | below).values_list("pk", flat=True))
    own = ContractLine.objects.filter(contract__in=family)
    found = set((own.filter(ended_on=None) if as_if_over else own).values_list("quote_line__key", flat=True))
    carried = ContractLine.objects.filter(quote_line__key__in=found, ended_on=None, contract__state__in=CARRYING)
    carried = carried.exclude(contract__in=[*family, *([contract.parent_id] if contract.parent_id else [])])
    return found - set(carried.values_list("quote_line__key", flat=True))


def products(contract: Contract, *, as_if_over: bool = False) -> QuerySet[Product]:
    """What the customer has by those lines and is to lose, in the order of the sites."""
    wanted = [str(key) for key in keys(contract, as_if_over=as_if_over)]
    rows = Product.objects.filter(account__root=contract.account.root_id, order_line_key__in=wanted, state__in=THERE)
    if contract.site_id:
        rows = rows.filter(site=contract.site_id)
    found: QuerySet[Product] = rows.select_related("site", "offering", "specification").order_by(
        "site__country", "site__code", "pk"
    )
    return found


def billed_until(contract: Contract) -> dt.date | None:
    """The last day that is billed: of an early end that of the month which had begun, else that of the term."""
    made = Termination.objects.filter(
        Q(contract=contract) | Q(contract=contract.parent_id or 0), state=Termination.State.DONE
    )
    early = made.order_by("-id").first()
    if early is None or contract.starts_on is None:
        return contract.ends_on
    return periods.after(contract.starts_on, max(1, periods.begun(contract.starts_on, early.on)))

"""Rebilling: what is billed follows the contract: another price from its day on, and nothing more after the end."""

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal

from django.db import transaction
from django.db.models import DateField, Q, Value
from django.db.models.functions import Greatest

from cmdb import alteration
from cmdb.alteration import Altered
from cmdb.models import Product
from contracts import periods, remainder
from contracts.models import (
    BillingChange,
    BillingPause,
    BillingStart,
    Contract,
    ContractAmendment,
    ContractLine,
    QuoteLine,
)
from kernel.money import ZERO

RUNNING = (Contract.State.ACTIVE, Contract.State.SUSPENDED, Contract.State.PENDING_SIGNATURE)


def is_as_wanted(product: Product, line: QuoteLine | ContractLine) -> bool:
    """Whether the installed product is what the line asks for; technical data beside that does not count."""
    same = all(product.characteristics.get(name) == value for name, value in line.characteristics.items())
    return same and product.quantity == line.quantity


@transaction.atomic
def delivered(prices: Mapping[int, Decimal], *, on: dt.date, because: str) -> list[BillingChange]:
    """Products were changed at their sites: from that day on they cost what their contract says.

    `prices` has what each was ordered at; that counts where no contract runs.
    """
    starts = _billed(Q(product__in=prices))
    lines = _lines({start.product.order_line_key for start in starts})
    rows = []
    for start in starts:
        line = lines.get((start.product.order_line_key, start.product.site_id))
        if line is None or line.pk != _present(start):
            once = line.one_time if line else ZERO
            rows.append(_change(start, line, line.monthly if line else prices[start.product_id], on, because, once))
    return _store(rows)


@transaction.atomic
def amended(amendment: ContractAmendment) -> list[BillingChange]:
    """An amendment changed prices: what needs no work at the site costs the new price from the day it was signed."""
    keys = amendment.lines.values_list("quote_line__key", flat=True)
    because = f"{amendment} of {amendment.contract.number}"
    return _follow({str(key) for key in keys}, {}, because, amendment.on)


@transaction.atomic
def renewed(contract_ids: Iterable[int]) -> list[BillingChange]:
    """Renewals are in force: what is there as they say costs their price from their first day on."""
    contracts = Contract.objects.in_bulk(list(contract_ids))
    keys = ContractLine.objects.filter(contract__in=contracts, ended_on=None).values_list("quote_line__key", flat=True)
    days = {pk: one.starts_on for pk, one in contracts.items() if one.starts_on}
    first = min(days.values(), default=None)
    return _follow({str(key) for key in keys}, days, "Renewal", first) if first else []


@transaction.atomic
def stop(contract: Contract) -> list[BillingChange]:
    """A contract is over: what no other contract carries on is billed to the last day that is owed.

    A contract of a site answers for its site, the sales contract for what stands at none.
    """
    last = remainder.billed_until(contract)
    if last is None:
        return []
    keys = [str(key) for key in remainder.keys(contract)]
    mine = Q(product__order_line_key__in=keys, product__account__root=contract.account.root_id, site=contract.site_id)
    return _end(_billed(mine), last + periods.DAY, f"{contract.number} ended")


@transaction.atomic
def removed(product_ids: Iterable[int], *, on: dt.date, because: str) -> list[BillingChange]:
    """Products were switched off: that day is the last one billed, unless an earlier or later one is settled."""
    return _end(_billed(Q(product__in=list(product_ids))), on + periods.DAY, because)


@transaction.atomic
def rest(product_ids: Iterable[int], *, on: dt.date, because: str) -> list[BillingPause]:
    """Products were suspended: from that day on nothing recurring is billed until they work again."""
    starts = _billed(Q(product__in=list(product_ids)))
    rows = [BillingPause(billing_start=one, on=max(on, one.starts_on), because=because[:200]) for one in starts]
    return BillingPause.objects.bulk_create(rows, ignore_conflicts=True)


@transaction.atomic
def go_on(product_ids: Iterable[int], *, on: dt.date) -> int:
    """Products work again: that day is the first one billed. Returns how many rested."""
    starts = [one.pk for one in _billed(Q(product__in=list(product_ids)))]
    resting = BillingPause.objects.filter(billing_start__in=starts, until=None)
    return int(resting.update(until=Greatest("on", Value(on, output_field=DateField()))))


def running_contract(product: Product) -> Contract | None:
    """The contract in force by which a product is billed: its site's, else the sales contract."""
    key = product.order_line_key
    lines = _lines({key})
    line = lines.get((key, product.site_id)) or lines.get((key, None))
    return line.contract if line else None


def _billed(which: Q) -> list[BillingStart]:
    """What is billed and has no end yet, locked by key, with its changes."""
    rows = BillingStart.objects.select_for_update(of=("self",)).filter(which).exclude(changes__ends=True)
    return list(rows.select_related("product").prefetch_related("changes").order_by("pk"))


def _lines(keys: Iterable[str]) -> dict[tuple[str, int | None], ContractLine]:
    """(Line key, site) → the running line: in force before one that waits, the site's before the deal's."""
    rows = ContractLine.objects.filter(
        quote_line__key__in=[key for key in keys if key], ended_on=None, contract__state__in=RUNNING
    )
    found = list(rows.select_related("contract", "quote_line", "amendment").order_by("pk"))
    waits, service = Contract.State.PENDING_SIGNATURE, Contract.Kind.SERVICE
    found.sort(key=lambda one: (one.contract.state != waits, one.contract.kind == service, one.pk))
    return {(str(one.quote_line.key), one.site_id): one for one in found}


def _follow(keys: set[str], days: dict[int, dt.date], because: str, first: dt.date) -> list[BillingChange]:
    """Bill by the running lines where another one was billed by and nothing is left to be done at the site."""
    lines = _lines(keys)
    rows = []
    for start in _billed(Q(product__order_line_key__in=keys)):
        line = lines.get((start.product.order_line_key, start.product.site_id))
        if line and line.pk != _present(start) and is_as_wanted(start.product, line):
            rows.append(_change(start, line, line.monthly, days.get(line.contract_id, first), because))
    return _store(rows)


def _present(start: BillingStart) -> int | None:
    """The contract line that it is billed by at last."""
    changes = sorted(start.changes.all(), key=lambda one: (one.on, one.pk))
    return changes[-1].contract_line_id if changes else start.contract_line_id


def _change(
    start: BillingStart, line: ContractLine | None, monthly: Decimal, on: dt.date, because: str, once: Decimal = ZERO
) -> BillingChange:
    return BillingChange(
        billing_start=start, contract_line=line, on=max(on, start.starts_on), monthly=monthly, one_time=once,
        because=because[:200],
    )  # fmt: skip


def _store(rows: list[BillingChange]) -> list[BillingChange]:
    made = BillingChange.objects.bulk_create(rows, ignore_conflicts=True)
    prices = [Altered(row.billing_start.product_id, monthly=row.monthly) for row in made]
    alteration.alter_products(prices, None, because=rows[0].because if rows else "")
    return made


def _end(starts: list[BillingStart], on: dt.date, because: str) -> list[BillingChange]:
    return BillingChange.objects.bulk_create([
        BillingChange(billing_start=start, on=max(on, start.starts_on), ends=True, because=because[:200])
        for start in starts
    ], ignore_conflicts=True)  # fmt: skip

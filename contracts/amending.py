"""Amending: a signed quote changes a contract in force: lines come, go and change, all ending with the contract."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from contracts import basis, contracting, entitlement, events, servicelevel
from contracts.models import Contract, ContractAmendment, ContractLine, Quote, QuoteLine
from kernel import audit, lifecycle, outbox
from kernel.models import User
from kernel.money import ZERO
from kernel.refusal import Conflict

WAITING = (Contract.State.DRAFT, Contract.State.PENDING_SIGNATURE)
RUNNING = (Contract.State.ACTIVE, Contract.State.SUSPENDED, *WAITING)


@dataclass(frozen=True)
class Difference:
    """One line that came, went or changed. `fields` are (name, old, new)."""

    kind: str
    name: str
    site: str
    monthly_before: Decimal
    monthly_after: Decimal
    fields: list[tuple[str, str, str]] = field(default_factory=list)
    old: ContractLine | None = None
    new: QuoteLine | None = None

    @property
    def monthly(self) -> Decimal:
        """How much more a month."""
        return self.monthly_after - self.monthly_before

    def stored(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "kind": self.kind, "name": self.name, "site": self.site, "fields": [list(one) for one in self.fields],
            "monthly_before": f"{self.monthly_before:.2f}", "monthly_after": f"{self.monthly_after:.2f}",
        }  # fmt: skip


def differences(contract: Contract, quote: Quote) -> list[Difference]:
    """What the quote makes of the contract's running lines, matched by key; lines left as they are do not appear."""
    before = {row.quote_line.key: row for row in running_lines(contract)}
    after = list(QuoteLine.objects.filter(quote=quote).select_related("offering", "site").order_by("position", "id"))
    found = [one for line in after if (one := _difference(before.pop(line.key, None), line))]
    found += [_removed(row) for row in before.values()]
    return found


def running_lines(contract: Contract) -> list[ContractLine]:
    """The lines that have not ended, in the order they were quoted."""
    rows = ContractLine.objects.filter(contract=contract, ended_on=None).select_related(
        "quote_line", "offering", "site"
    )
    return list(rows.order_by("site__country", "site__code", "quote_line__position", "pk"))


def removed_keys(quote: Quote) -> set[UUID]:
    """Keys of the lines that an amendment took out; their products are to be switched off."""
    if quote.purpose != Quote.Purpose.AMENDMENT:
        return set()
    rows = ContractLine.objects.filter(ended_by__quote=quote, contract__kind=Contract.Kind.SALES)
    kept = QuoteLine.objects.filter(quote=quote).values("key")
    return set(rows.exclude(quote_line__key__in=kept).values_list("quote_line__key", flat=True))


@transaction.atomic
def apply(quote: Quote, *, by: User | None, on: dt.date) -> Contract:
    """Change the contract by an accepted quote. The caller has locked the quote and moved it to accepted.

    Raises:
        NotReady (contracting): a new site without a contact or an entitlement.
        Conflict: the contract is over, or the quote has changed it already.
    """
    if quote.basis_id is None:
        raise Conflict("This quote changes no contract.")
    if found := contracting.problems(quote):
        raise contracting.NotReady(problems={"": found})
    family = _family(quote.basis_id)
    contract = family[0]
    if contract.state not in (Contract.State.ACTIVE, Contract.State.SUSPENDED):
        raise Conflict(f"{contract.number} is {contract.get_state_display().lower()} and cannot be changed any more.")
    changed = differences(contract, quote)
    last = contract.amendments.order_by("-number").first()
    made = ContractAmendment.objects.create(
        contract=contract, number=last.number + 1 if last else 1, quote=quote, on=on,
        differences=[one.stored() for one in changed], monthly_before=contract.monthly,
        monthly_after=quote.monthly, one_time=quote.one_time,
    )  # fmt: skip
    _end_lines(family, changed, made)
    of_site = {one.site_id: one for one in family[1:] if one.state in RUNNING}
    fresh = _new_sites(contract, quote, changed, of_site)
    _add_lines(contract, of_site, changed, made)
    if fresh:
        lines = [one.new for one in changed if one.new]
        entitlement.give(fresh, entitlement.by_site(lines))
        servicelevel.inherit(fresh, quote.agreement)
        lifecycle.move_many(Contract.objects.filter(pk__in=[one.pk for one in fresh]), Contract.send, by=by)
    _add_up([contract, *of_site.values()], on, by)
    audit.record(
        "amended", contract, by=by, reason=str(quote),
        changes={"monthly": [str(made.monthly_before), str(made.monthly_after)]},
    )  # fmt: skip
    outbox.publish(events.ContractAmended(contract_id=contract.pk, amendment_id=made.pk))
    return Contract.objects.get(pk=contract.pk)


def _family(sales_id: int) -> list[Contract]:
    """The sales contract and those of its sites, locked by key, the sales contract first."""
    below = Contract.objects.filter(parent=sales_id).values_list("pk", flat=True)
    found = Contract.objects.locked_all([sales_id, *below])
    return sorted(found, key=lambda one: one.pk != sales_id)


def _difference(old: ContractLine | None, line: QuoteLine) -> Difference | None:
    site = str(line.site or "")
    if old is None:
        return Difference("added", line.offering.name, site, ZERO, line.monthly, [], None, line)
    names = sorted({*old.characteristics, *line.characteristics})
    pairs = [(name, old.characteristics.get(name), line.characteristics.get(name)) for name in names]
    pairs += [("quantity", old.quantity, line.quantity), ("product", old.offering.name, line.offering.name)]
    fields = [(name, _said(was), _said(now)) for name, was, now in pairs if was != now]
    if not fields and old.monthly == line.monthly:
        return None
    return Difference("changed", line.offering.name, site, old.monthly, line.monthly, fields, old, line)


def _removed(row: ContractLine) -> Difference:
    return Difference("removed", row.offering.name, str(row.site or ""), row.monthly, ZERO, [], row)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _end_lines(family: list[Contract], changed: Iterable[Difference], made: ContractAmendment) -> None:
    """Lines that went or changed end on the sales contract and on that of their site."""
    ended = [one.old.quote_line_id for one in changed if one.old]
    rows = ContractLine.objects.filter(contract__in=family, quote_line__in=ended, ended_on=None)
    rows.update(ended_on=made.on, ended_by=made)


def _new_sites(
    contract: Contract, quote: Quote, changed: Iterable[Difference], of_site: dict[int | None, Contract]
) -> list[Contract]:
    """Contracts of sites that the deal did not have: they end when the sales contract ends, however late they start."""
    lines = [one.new for one in changed if one.new and one.new.site_id and one.new.site_id not in of_site]
    fresh = contracting.service_contracts(quote, lines, contract, months=basis.months_left(contract))
    of_site.update({one.site_id: one for one in fresh})
    return fresh


def _add_lines(
    contract: Contract, of_site: dict[int | None, Contract], changed: Iterable[Difference], made: ContractAmendment
) -> None:
    rows = []
    for one in changed:
        if one.new:
            rows.append(contracting.mirrored(contract, one.new, made))
            if one.new.site_id:
                rows.append(contracting.mirrored(of_site[one.new.site_id], one.new, made))
    ContractLine.objects.bulk_create(rows)


def _add_up(contracts: list[Contract], on: dt.date, by: User | None) -> None:
    """Totals from the running lines; the contract of a site that has none left is over."""
    sums: dict[int, Decimal] = {}
    for key, monthly in ContractLine.objects.filter(contract__in=contracts, ended_on=None).values_list(
        "contract", "monthly"
    ):
        sums[key] = sums.get(key, ZERO) + monthly
    bare = [one.pk for one in contracts if one.pk not in sums and one.kind == Contract.Kind.SERVICE]
    for one in contracts:
        one.monthly = sums.get(one.pk, ZERO) if one.pk not in bare else one.monthly
    Contract.objects.bulk_update(contracts, ["monthly"])
    rows = Contract.objects.filter(pk__in=bare)
    lifecycle.move_many(rows, Contract.terminate, by=by, ends_on=on)
    lifecycle.move_many(rows, Contract.cancel, by=by)

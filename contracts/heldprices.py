"""Held prices: what a contract in force says a line costs stays so in a quote that changes it elsewhere; what is
installed is not paid for once more when the contract is renewed."""

from collections.abc import Sequence
from decimal import Decimal

from django.db.models import CharField, Exists, OuterRef
from django.db.models.functions import Cast

from catalog.models import Charge
from catalog.pricing import PricedCharge
from cmdb.models import Product
from contracts.models import ContractLine, Quote, QuoteLine
from kernel.money import ZERO


def of(quote: Quote, lines: Sequence[QuoteLine]) -> dict[int, ContractLine]:
    """Quote line → the running contract line that it leaves as it is; nothing for a quote that changes no contract."""
    return _left_alone(quote, lines) if quote.purpose == Quote.Purpose.AMENDMENT else {}


def carried_on(quote: Quote, lines: Sequence[QuoteLine]) -> set[int]:
    """Lines of a renewal that go on with what is installed: nothing is set up for them."""
    if quote.purpose != Quote.Purpose.RENEWAL:
        return set()
    rows = _left_alone(quote, lines)
    return {pk for pk, row in rows.items() if getattr(row, "delivered", False)}


def _left_alone(quote: Quote, lines: Sequence[QuoteLine]) -> dict[int, ContractLine]:
    delivered = Product.objects.filter(order_line_key=Cast(OuterRef("quote_line__key"), CharField())).exclude(
        state__in=(Product.State.CANCELLED, Product.State.ABORTED)
    )
    rows = ContractLine.objects.filter(contract=quote.basis_id, ended_on=None)
    rows = rows.select_related("quote_line", "contract", "offering").annotate(delivered=Exists(delivered))
    by_key = {row.quote_line.key: row for row in rows}
    return {line.pk: row for line in lines if (row := by_key.get(line.key)) and same(row, line)}


def same(row: ContractLine, line: QuoteLine) -> bool:
    """Whether the line is still what the contract says; a newer version of its offering is the same offering."""
    return (row.offering.key, row.quantity, row.characteristics) == (
        line.offering.key, line.quantity, line.characteristics,
    )  # fmt: skip


def charges(row: ContractLine, present: Sequence[PricedCharge]) -> list[PricedCharge]:
    """The contract's monthly price instead of today's; what is paid once is asked for again only while nothing came."""
    cost: Decimal = sum((one.cost for one in present if one.charge == Charge.RECURRING), ZERO)
    step = {
        "step": "list", "label": "Contract", "detail": f"Price in force under {row.contract.number}", "before": "0",
        "after": f"{row.monthly:f}",
    }  # fmt: skip
    held = [PricedCharge(Charge.RECURRING, "Price in force", row.monthly, row.monthly, row.monthly, cost, [step])]
    if row.one_time and not getattr(row, "delivered", True):
        once = {**step, "after": f"{row.one_time:f}"}
        spent: Decimal = sum((one.cost for one in present if one.charge == Charge.ONE_TIME), ZERO)
        held.append(
            PricedCharge(Charge.ONE_TIME, "Set-up as signed", row.one_time, row.one_time, row.one_time, spent, [once])
        )
    return held

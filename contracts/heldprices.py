"""Held prices: what a contract in force says a line costs stays so in a quote that changes the contract elsewhere."""

from collections.abc import Sequence
from decimal import Decimal

from catalog.models import Charge
from catalog.pricing import PricedCharge
from contracts.models import ContractLine, Quote, QuoteLine
from kernel.money import ZERO


def of(quote: Quote, lines: Sequence[QuoteLine]) -> dict[int, ContractLine]:
    """Quote line → the running contract line that it leaves as it is; nothing for a quote that changes no contract."""
    if quote.purpose != Quote.Purpose.AMENDMENT:
        return {}
    rows = ContractLine.objects.filter(contract=quote.basis_id, ended_on=None).select_related("quote_line", "contract")
    by_key = {row.quote_line.key: row for row in rows}
    return {line.pk: row for line in lines if (row := by_key.get(line.key)) and same(row, line)}


def same(row: ContractLine, line: QuoteLine) -> bool:
    """Whether the line is still what the contract says."""
    return (row.offering_id, row.quantity, row.characteristics) == (
        line.offering_id, line.quantity, line.characteristics,
    )  # fmt: skip


def charges(row: ContractLine, present: Sequence[PricedCharge]) -> list[PricedCharge]:
    """The contract's monthly price instead of today's; what was paid once is not paid again."""
    cost: Decimal = sum((one.cost for one in present if one.charge == Charge.RECURRING), ZERO)
    step = {
        "step": "list", "label": "Contract", "detail": f"Price in force under {row.contract.number}", "before": "0",
        "after": f"{row.monthly:f}",
    }  # fmt: skip
    return [PricedCharge(Charge.RECURRING, "Price in force", row.monthly, row.monthly, row.monthly, cost, [step])]

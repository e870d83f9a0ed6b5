"""Ramped: what a contract line costs in a month of its contract, where its price rises in steps."""

from decimal import Decimal

from catalog import ramps
from contracts import periods
from contracts.models import Contract, ContractLine
from kernel.money import rounded


def monthly(contract: Contract, line: ContractLine, month: int) -> Decimal:
    """The price of a month of the contract's term, counted from 1.

    The steps of a line that an amendment brought begin with that one.
    """
    if not line.ramp:
        return line.monthly
    own = month - begins(contract, line) + 1
    step = ramps.at(ramps.read(line.ramp, ramps.LONGEST), max(own, 1))
    return ramps.charged(line.monthly, step, line.quantity, lambda amount: rounded(amount, contract.currency))


def begins(contract: Contract, line: ContractLine) -> int:
    """The month of the contract's term in which the line begins; 1 unless an amendment brought it."""
    if line.amendment is None or contract.starts_on is None:
        return 1
    return max(1, periods.begun(contract.starts_on, line.amendment.on))


def steps_at(contract: Contract, line: ContractLine) -> list[int]:
    """Months of the term in which another price begins."""
    first = begins(contract, line)
    return [first + step.until for step in ramps.read(line.ramp, ramps.LONGEST)] if line.ramp else []

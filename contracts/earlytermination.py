"""Early termination: what ending a contract before its time costs, worked out month by month from a decision table.

The month in which the service ends is billed as usual. Every later month of the term is charged with the percentage
that the table names for the product, the length of the term, the number of that month and the day of the signature.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from contracts import periods, ramped
from contracts.models import Contract, ContractLine
from kernel import decisions
from kernel.money import ZERO, percent, rounded

TABLE = "early_termination"
LIVE = (Contract.State.ACTIVE, Contract.State.SUSPENDED)


@dataclass(frozen=True)
class Step:
    """Months in a row that cost the same: months × monthly price × percent = amount."""

    first: int
    last: int
    monthly: Decimal
    percent: Decimal
    amount: Decimal
    because: str

    @property
    def months(self) -> int:
        """How many."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class LineCharge:
    """What one line costs, with the steps that lead to it."""

    line_id: int
    contract: str
    name: str
    site: str
    monthly: Decimal
    months_left: int
    steps: list[Step] = field(default_factory=list)

    @property
    def amount(self) -> Decimal:
        """The sum of the steps, each rounded to the currency's smallest unit."""
        return sum((step.amount for step in self.steps), ZERO)

    def stored(self) -> dict[str, Any]:
        """As JSON: amounts as text."""
        told = {**asdict(self), "amount": self.amount, "steps": [{**asdict(s), "months": s.months} for s in self.steps]}
        return _plain(told)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Preview:
    """The charge of ending a contract on a day. `waiting` are contracts that never came into force: they are free."""

    on: dt.date
    currency: str
    lines: list[LineCharge]
    waiting: list[Contract]
    ending: list[Contract]

    @property
    def total(self) -> Decimal:
        """What it costs altogether."""
        return sum((line.amount for line in self.lines), ZERO)


def preview(contract: Contract, on: dt.date) -> Preview:
    """Work out the charge; nothing is written and the number of queries does not grow with the lines.

    Raises:
        BrokenRule: nobody has said what an early end costs.
    """
    ask = decisions.reader(TABLE, on=None)
    if ask is None:
        raise decisions.BrokenRule(f"Nobody has said what an early end costs: the decision table “{TABLE}” is missing.")
    below = list(contract.service_contracts.select_related("site").order_by("site__country", "site__code", "pk"))
    ending = [one for one in [contract, *below] if one.state in LIVE]
    waiting = [one for one in below if one.state in (Contract.State.DRAFT, Contract.State.PENDING_SIGNATURE)]
    counted = list(_counted(contract, ending))
    percents = _Percents(ask)
    lines = [_charge(one, line, on, percents) for one, line in counted]
    return Preview(on, contract.currency, [line for line in lines if line.months_left], waiting, ending)


def _counted(contract: Contract, ending: list[Contract]) -> Iterable[tuple[Contract, ContractLine]]:
    """Each running line once: those of sites by their own contract and its own term, the rest by the sales contract."""
    by_contract: dict[int, list[ContractLine]] = defaultdict(list)
    rows = ContractLine.objects.filter(contract__in=ending, ended_on=None).select_related(
        "offering", "site", "quote_line", "amendment"
    )
    for line in rows.order_by("site__country", "site__code", "pk"):
        by_contract[line.contract_id].append(line)
    for one in ending:
        for line in by_contract[one.pk]:
            if one.kind == Contract.Kind.SERVICE or line.site_id is None:
                yield one, line


class _Percents:
    """The table's answers, each asked once."""

    def __init__(self, ask: decisions.Reader) -> None:
        self.ask = ask
        self.known: dict[tuple[Any, ...], tuple[Decimal, str]] = {}

    def of(self, product: str, term: int, month: int, signed: int) -> tuple[Decimal, str]:
        key = (product, term, month, signed)
        if key not in self.known:
            facts = {"product": product, "term": term, "month": month, "year": (month - 1) // 12 + 1, "signed": signed}
            row = next(iter(self.ask(facts)), {})
            rate = min(max(Decimal(str(row.get("percent") or 0)), ZERO), Decimal(100))
            self.known[key] = (rate, str(row.get("because") or ""))
        return self.known[key]


def _charge(contract: Contract, line: ContractLine, on: dt.date, percents: _Percents) -> LineCharge:
    start, end = contract.starts_on, contract.ends_on
    last, used = (periods.begun(start, end), periods.begun(start, on)) if start and end else (0, 0)
    if line.quote_line.term_months:
        last = min(last, line.quote_line.term_months)  # a line that was sold for fewer months than its contract
    signed = int(f"{contract.created_at:%Y%m%d}")
    steps: list[Step] = []
    for month in range(used + 1, last + 1):
        rate, because = percents.of(line.offering.key, contract.term_months, month, signed)
        price = ramped.monthly(contract, line, month)
        same = steps and (steps[-1].percent, steps[-1].because, steps[-1].monthly) == (rate, because, price)
        first = steps.pop().first if same else month
        amount = rounded(percent(price * (month - first + 1), rate), contract.currency)
        steps.append(Step(first, month, price, rate, amount, because))
    site = line.site.name if line.site else ""
    return LineCharge(line.pk, contract.number, line.offering.name, site, line.monthly, max(last - used, 0), steps)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return f"{value:f}" if isinstance(value, Decimal) else value

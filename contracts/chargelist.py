"""Charge list: what every customer is charged in a month, a few customers at a time, for whoever bills them."""

import calendar
import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, QuerySet

from contracts import chargefeed
from contracts.chargefeed import Item
from contracts.models import BillingChange, BillingStart, ContractCharge
from crm.models import Account
from kernel.models import User
from kernel.money import ZERO

AT_ONCE = 50  # customers whose charges are worked out together
ONCE = ("one_time", "early_termination", "reduction")


@dataclass
class Customer:
    """One customer's month: how many charges, and their sums in each currency as (monthly, once)."""

    account: Account
    charges: int = 0
    unpaid: int = 0  # charges that nobody is set up to pay
    sums: dict[str, list[Decimal]] = field(default_factory=lambda: defaultdict(lambda: [ZERO, ZERO]))

    def take(self, item: Item) -> None:
        """Count one charge in."""
        self.charges += 1
        self.unpaid += item.profile is None
        self.sums[item.currency][item.kind in ONCE] += item.amount

    @property
    def totals(self) -> list[tuple[str, Decimal, Decimal, Decimal]]:
        """(currency, monthly, once, both), one for each currency."""
        return [(currency, monthly, once, monthly + once) for currency, (monthly, once) in sorted(self.sums.items())]


def customers(user: User, first: dt.date, text: str = "") -> QuerySet[Account]:
    """Customers that this person sees and that may be charged something in the month, by name."""
    starts = _starts(first).filter(account__root=OuterRef("pk"))
    due = _charges(first).filter(contract__account__root=OuterRef("pk"))
    rows = Account.objects.visible_to(user).filter(Q(Exists(starts)) | Q(Exists(due)), parent=None)
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(number__iexact=text))
    found: QuerySet[Account] = rows.order_by("name", "pk")
    return found


def items(roots: Sequence[Account], first: dt.date) -> list[Item]:
    """Every charge of these customers in the month, in a constant number of queries."""
    starts, charges = _starts(first).filter(account__root__in=roots), _charges(first)
    return chargefeed.of_month(starts, first, charges.filter(contract__account__root__in=roots))


def summed(roots: Sequence[Account], first: dt.date) -> list[Customer]:
    """What each of these customers is charged; who turns out to owe nothing is there with no charge."""
    found = {root.pk: Customer(root) for root in roots}
    for item in items(roots, first):
        if item.customer_id in found:
            found[item.customer_id].take(item)
    return list(found.values())


def everything(user: User, first: dt.date, text: str = "") -> Iterator[tuple[Account, Item]]:
    """Each charge of the month with its customer, customer by customer; memory does not grow with them."""
    keys = list(customers(user, first, text).values_list("pk", flat=True))
    for place in range(0, len(keys), AT_ONCE):
        roots = Account.objects.in_bulk(keys[place : place + AT_ONCE])
        mine: dict[int, list[Item]] = defaultdict(list)
        for item in items(list(roots.values()), first):
            mine[item.customer_id].append(item)
        for key in keys[place : place + AT_ONCE]:
            yield from ((roots[key], item) for item in mine[key])


def together(rows: Sequence[Customer]) -> list[tuple[str, Decimal, Decimal, Decimal]]:
    """The sums of several customers, one for each currency; currencies are never added up."""
    whole: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for row in rows:
        for currency, monthly, once, _ in row.totals:
            whole[currency][0] += monthly
            whole[currency][1] += once
    return [(currency, monthly, once, monthly + once) for currency, (monthly, once) in sorted(whole.items())]


def _starts(first: dt.date) -> QuerySet[BillingStart]:
    over = BillingChange.objects.filter(ends=True, on__lte=first).values("billing_start")
    return BillingStart.objects.filter(starts_on__lte=_last(first)).exclude(pk__in=over)


def _charges(first: dt.date) -> QuerySet[ContractCharge]:
    return ContractCharge.objects.filter(due_on__range=(first, _last(first)))


def _last(first: dt.date) -> dt.date:
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])

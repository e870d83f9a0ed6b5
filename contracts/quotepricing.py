"""Prices of quotes: all lines in one pass over one price book, written back in a few statements."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils import timezone

from catalog import currencies, pricebook, pricing, ramps
from catalog.currencies import Rate
from catalog.models import Charge
from catalog.pricing import Negotiated, PriceBook, PricedCharge, PricingInput, Terms
from contracts import agreeddiscounts, building, heldprices
from contracts.building import Builds
from contracts.models import ContractLine, LinePrice, Quote, QuoteLine
from kernel.money import ZERO, rounded

COLUMNS = ("monthly", "monthly_list", "monthly_agreed", "monthly_cost", "one_time", "one_time_list", "one_time_cost")
STORED = (*COLUMNS, "ramp_off")
COUNTED = tuple(name for name in STORED if name != "one_time_list")  # summed up on the quote
OVER_TERM = {"over_term": "monthly", "over_term_agreed": "monthly_agreed", "over_term_cost": "monthly_cost"}

Prices = dict[int, list[PricedCharge]]


@transaction.atomic
def reprice(*, quote_id: int) -> Quote:
    """Price every line of a draft anew and add up the quote; lines whose prices stay are not written."""
    quote: Quote = Quote.objects.locked(quote_id)
    price_lines(quote, lines_of(quote))
    return quote


def lines_of(
    quote: Quote, *, offering_id: int | None = None, keys: Sequence[int] | None = None
) -> list[QuoteLine]:  # fmt: skip
    """The lines with what their prices depend on: all, those of an offering, or those with these keys."""
    rows = QuoteLine.objects.filter(quote=quote).prefetch_related("site", "offering", "feasibility")
    if keys is not None:
        rows = rows.filter(pk__in=keys)
    return list((rows.filter(offering=offering_id) if offering_id else rows).order_by("position", "id"))


@dataclass(frozen=True)
class Pass:
    """What one pass over lines of a quote needs beside them: the book, sites by offering, who discounts, who pays for
    building and by which rate."""

    quote: Quote
    book: PriceBook
    sites: Counter[int]
    who: str
    builds: Builds
    build_rate: Rate | None
    held: dict[int, ContractLine]
    carried_on: set[int]

    @classmethod
    def over(cls, quote: Quote, lines: Iterable[QuoteLine]) -> "Pass":
        """Read it for these lines."""
        lines = list(lines)
        book = book_of(quote, {line.offering_id for line in lines})
        builds = building.of(quote, (line.site_id for line in lines if building.cost(line)))
        rate = build_rate(quote) if any(map(builds.due, lines)) else None
        held, carried_on = heldprices.of(quote, lines), heldprices.carried_on(quote, lines)
        return cls(quote, book, sites_by_offering(quote), initials(quote), builds, rate, held, carried_on)

    def input(self, line: QuoteLine) -> PricingInput:
        """A line as the price book reads it."""
        due = self.builds.due(line)
        build = self.build_rate.convert(due) if self.build_rate else due
        return input_of(self.quote, line, self.sites[line.offering_id], self.who, build)

    def charges(self, line: QuoteLine) -> list[PricedCharge]:
        """The charges of a line; those of a contract in force that the quote leaves alone stay as signed, and what a
        renewal goes on with is not set up once more."""
        present = pricing.price(self.book, self.input(line))
        if line.pk in self.carried_on:
            return [one for one in present if one.charge != Charge.ONE_TIME]
        row = self.held.get(line.pk)
        return heldprices.charges(row, present) if row else present

    def ramp(self, line: QuoteLine, monthly: Decimal) -> tuple[list[dict[str, Any]], Decimal]:
        """The steps of a line with what a month of each costs, and what they take off over the term.

        Where the price of a contract in force holds, its steps hold as well.
        """
        if not line.ramp:
            return [], ZERO
        steps, term, item = ramps.read(line.ramp, ramps.LONGEST), term_of(self.quote, line), self.input(line)

        def of(quantity: int | None) -> Decimal:
            asked = item if quantity is None else replace(item, quantity=quantity)
            return summed(pricing.price(self.book, asked), self.quote.currency)["monthly"]

        if line.pk not in self.held:
            steps = ramps.priced(of, steps, self.book.round)
        months = ramps.months(monthly, steps, term, line.quantity, self.book.round)
        return ramps.stored(steps), max(monthly * term - sum(months, ZERO), ZERO)


def price_lines(quote: Quote, lines: Sequence[QuoteLine]) -> None:
    """Price these lines of a locked draft, and those that share what is built with them; write what changed, add up."""
    if others := building.beside(quote, lines):
        lines = [*lines, *lines_of(quote, keys=others)]
    made = Pass.over(quote, lines)
    prices = {line.pk: made.charges(line) for line in lines}
    changed = [line for line in lines if _take(line, prices[line.pk], made)]
    _write_lines(changed)
    QuoteLine.objects.bulk_update([line for line in changed if line.ramp], ["ramp"], batch_size=500)
    _write_prices([line.pk for line in lines], prices)
    add_up(quote)


def prices_of(quote: Quote, lines: Sequence[QuoteLine]) -> Prices:
    """The charges of each line as they would be now; nothing is written."""
    made = Pass.over(quote, lines)
    return {line.pk: made.charges(line) for line in lines}


def book_of(quote: Quote, offerings: Iterable[int]) -> PriceBook:
    """The price book of a quote: its list, in its currency, with the discounts of its agreement and its owner's floor.

    Raises:
        CurrencyMix: the list is in another currency, and the quote has no exchange rate.
    """
    return PriceBook.load(quote.price_list, offerings, negotiated(quote), terms_of(quote))


def terms_of(quote: Quote) -> Terms:
    """In which currency the quote is, by which stored rate, and how low its owner may go."""
    roles = quote.owner.groups.values_list("name", flat=True) if quote.owner else ()
    return Terms(quote.currency, rate_of(quote), pricebook.floor_for(roles, quote.account.segment))


def rate_of(quote: Quote) -> Rate | None:
    """The rate that the quote stored, when its list is in another currency."""
    if quote.exchange_rate is None or quote.rate_on is None:
        return None
    return Rate(quote.price_list.currency, quote.currency, quote.exchange_rate, quote.rate_on)


def worded_rate(quote: Quote) -> str:
    """The stored rate as people read it; empty where prices are in the list's own currency."""
    rate = rate_of(quote)
    return rate.worded() if rate else ""


def build_rate(quote: Quote) -> Rate | None:
    """What brings the cost of building, which is in the company's currency, to the quote's.

    Raises:
        NoRate: nobody entered a rate for that day.
    """
    if quote.currency == settings.HOME_CURRENCY:
        return None
    return currencies.rate(settings.HOME_CURRENCY, quote.currency, quote.rate_on or timezone.localdate())


def negotiated(quote: Quote) -> list[Negotiated]:
    """What the agreement grants, for every version of the offerings that it names."""
    if quote.agreement_id is None:
        return []
    return agreeddiscounts.of(quote.agreement_id, timezone.localdate())


def sites_by_offering(quote: Quote) -> Counter[int]:
    """How many sites each offering goes to."""
    rows = QuoteLine.objects.filter(quote=quote).order_by().values_list("offering_id")
    whole = Count("pk", filter=Q(site=None))  # lines without a site count as one place together
    return Counter(
        {
            offering: sites + bool(without)
            for offering, sites, without in rows.annotate(sites=Count("site", distinct=True), without=whole)
        }
    )


def initials(quote: Quote) -> str:
    """Who stands behind the manual discount, as in M. Havlik."""
    owner = quote.owner
    if owner is None:
        return ""
    return f"{owner.first_name[:1]}. {owner.last_name}" if owner.first_name and owner.last_name else str(owner)


def input_of(quote: Quote, line: QuoteLine, sites: int, who: str, build: Decimal = ZERO) -> PricingInput:
    """A line as the price book reads it; `build` is what it pays for building, in the quote's currency."""
    return PricingInput(
        offering_id=line.offering_id, values=line.characteristics, term=term_of(quote, line), sites=max(sites, 1),
        region=line.site.region if line.site else "", country=line.site.country if line.site else "",
        quantity=line.quantity, build_cost=build, manual=discount_of(quote, line), manual_by=who,
    )  # fmt: skip


def term_of(quote: Quote, line: QuoteLine) -> int:
    """Months that the line runs at least: its own term, else the quote's."""
    return line.term_months or quote.term_months


def discount_of(quote: Quote, line: QuoteLine) -> Decimal:
    """The manual discount in percent: the line's own, else the quote's."""
    return quote.manual_discount if line.manual_discount is None else line.manual_discount


def summed(charges: Iterable[PricedCharge], currency: str) -> dict[str, Decimal]:
    """The columns of a line from its charges, brought to one month; usage is not part of them."""

    def of_month(amount: Decimal, months: int) -> Decimal:
        return amount if months == 1 else rounded(amount / months, currency)

    total = dict.fromkeys(COLUMNS, ZERO)
    for charge in charges:
        if charge.charge == Charge.RECURRING:
            total["monthly"] += of_month(charge.amount, charge.period)
            total["monthly_list"] += of_month(charge.list_amount, charge.period)
            total["monthly_agreed"] += of_month(charge.agreed, charge.period)
            total["monthly_cost"] += of_month(charge.cost, charge.period)
        elif charge.charge == Charge.ONE_TIME:
            total["one_time"] += charge.amount
            total["one_time_list"] += charge.list_amount
            total["one_time_cost"] += charge.cost
    return total


def add_up(quote: Quote) -> None:
    """Totals of the quote from its lines, in one statement."""
    parts = [f"COALESCE(SUM({name}), 0)" for name in COUNTED]
    parts += [f"COALESCE(SUM({name} * COALESCE(term_months, %s)), 0)" for name in OVER_TERM.values()]
    sql = f"SELECT {', '.join(parts)} FROM contracts_quoteline WHERE quote_id = %s"  # noqa: S608 – columns of ours
    names = (*COUNTED, *OVER_TERM)
    with connection.cursor() as cursor:
        cursor.execute(sql, [*[quote.term_months] * len(OVER_TERM), quote.pk])
        totals = dict(zip(names, cursor.fetchone(), strict=True))
    for name, value in totals.items():
        setattr(quote, name, value)
    quote.edition += 1
    quote.save(update_fields=[*names, "edition", "updated_at"])


def _take(line: QuoteLine, charges: list[PricedCharge], made: Pass) -> bool:
    """Put the amounts on the line; whether any is another than before."""
    changed, amounts = False, summed(charges, made.quote.currency)
    ramp, ramp_off = made.ramp(line, amounts["monthly"])
    for name, value in {**amounts, "ramp": ramp, "ramp_off": ramp_off}.items():
        if getattr(line, name) != value:
            setattr(line, name, value)
            changed = True
    return changed


def _write_lines(lines: Sequence[QuoteLine]) -> None:
    if not lines:
        return
    assigned = ", ".join(f"{name} = new.{name}" for name in STORED)
    arrays = ", ".join(["%s::bigint[]", *["%s::numeric[]"] * len(STORED)])
    sql = f"""
        UPDATE contracts_quoteline AS line SET {assigned}
        FROM unnest({arrays}) AS new(id, {", ".join(STORED)}) WHERE line.id = new.id
    """  # noqa: S608 – column names of ours
    values: list[list[Any]] = [[line.pk for line in lines]]
    values += [[getattr(line, name) for line in lines] for name in STORED]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def _write_prices(lines: Sequence[int], prices: Prices) -> None:
    """Replace the charges of these lines; lines with the same price send their steps once."""
    places: dict[int, int] = {}
    told: list[Any] = []
    rows: list[dict[str, Any]] = []
    for pk in lines:
        for charge in prices[pk]:
            place = places.setdefault(id(charge), len(told))
            if place == len(told):
                told.append(charge.steps)
            rows.append({
                "line": pk, "charge": charge.charge, "label": charge.label, "list_amount": str(charge.list_amount),
                "amount": str(charge.amount), "cost": str(charge.cost), "steps": place, "period": charge.period,
                "usage": charge.usage,
            })  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM contracts_lineprice WHERE line_id = ANY(%s)", [list(lines)])
        cursor.execute(
            """
            INSERT INTO contracts_lineprice
                (line_id, charge, label, list_amount, amount, cost, period, usage, steps)
            SELECT line, charge, label, list_amount, amount, cost, period, NULLIF(usage, 'null'::jsonb), told.value
            FROM jsonb_to_recordset(%s::jsonb) AS made(
                line bigint, charge text, label text, list_amount numeric, amount numeric, cost numeric, period int,
                usage jsonb, steps int)
            JOIN jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS told(value, place) ON told.place = made.steps + 1
            """,
            [json.dumps(rows), json.dumps(told)],
        )


def charges_of(line: QuoteLine) -> list[LinePrice]:
    """The stored charges of a line, monthly ones first."""
    return list(line.prices.order_by("id"))

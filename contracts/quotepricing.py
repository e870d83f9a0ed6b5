"""Prices of quotes: all lines in one pass over one price book, written back in a few statements."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from catalog import pricing
from catalog.models import Charge
from catalog.pricing import Negotiated, PriceBook, PricedCharge, PricingInput
from cmdb.models import FeasibilityCheck
from contracts.models import AgreementDiscount, LinePrice, Quote, QuoteLine
from kernel.money import ZERO

COLUMNS = ("monthly", "monthly_list", "monthly_agreed", "monthly_cost", "one_time", "one_time_list", "one_time_cost")
COUNTED = tuple(name for name in COLUMNS if name != "one_time_list")  # summed up on the quote
BUILT = (FeasibilityCheck.Result.OFF_NET, FeasibilityCheck.Result.NEAR_NET)

Prices = dict[int, list[PricedCharge]]


@transaction.atomic
def reprice(*, quote_id: int) -> Quote:
    """Price every line of a draft anew and add up the quote; lines whose prices stay are not written."""
    quote: Quote = Quote.objects.locked(quote_id)
    price_lines(quote, lines_of(quote))
    return quote


def lines_of(quote: Quote, *, offering_id: int | None = None) -> list[QuoteLine]:
    """The lines with what their prices depend on."""
    rows = (
        QuoteLine.objects.filter(quote=quote)
        .prefetch_related("site", "offering", "feasibility")
        .order_by("position", "id")
    )
    return list(rows.filter(offering=offering_id) if offering_id else rows)


def price_lines(quote: Quote, lines: Sequence[QuoteLine]) -> None:
    """Price these lines of a locked draft, write what changed, add up the quote."""
    prices = prices_of(quote, lines)
    changed = [line for line in lines if _take(line, prices[line.pk])]
    _write_lines(changed)
    _write_prices([line.pk for line in lines], prices)
    add_up(quote)


def prices_of(quote: Quote, lines: Sequence[QuoteLine]) -> Prices:
    """The charges of each line as they would be now; nothing is written."""
    book = book_of(quote, {line.offering_id for line in lines})
    sites = sites_by_offering(quote)
    who = initials(quote)
    return {line.pk: pricing.price(book, input_of(quote, line, sites[line.offering_id], who)) for line in lines}


def book_of(quote: Quote, offerings: Iterable[int]) -> PriceBook:
    """The price book of a quote with the discounts of its agreement."""
    return PriceBook.load(quote.price_list, offerings, negotiated(quote))


def negotiated(quote: Quote) -> list[Negotiated]:
    """What the agreement grants."""
    if quote.agreement_id is None:
        return []
    rows = AgreementDiscount.objects.filter(agreement=quote.agreement_id).select_related("agreement")
    return [Negotiated(row.offering_id, row.charge, row.percent, row.agreement.number) for row in rows]


def sites_by_offering(quote: Quote) -> Counter[int]:
    """How many sites each offering goes to."""
    pairs = QuoteLine.objects.filter(quote=quote).values_list("offering_id", "site_id").distinct()
    return Counter(offering for offering, _ in pairs)


def initials(quote: Quote) -> str:
    """Who stands behind the manual discount, as in M. Havlik."""
    owner = quote.owner
    if owner is None:
        return ""
    return f"{owner.first_name[:1]}. {owner.last_name}" if owner.first_name and owner.last_name else str(owner)


def input_of(quote: Quote, line: QuoteLine, sites: int, who: str) -> PricingInput:
    """A line as the price book reads it."""
    check = line.feasibility
    return PricingInput(
        offering_id=line.offering_id, values=line.characteristics, term=quote.term_months, sites=max(sites, 1),
        region=line.site.region if line.site else "", country=line.site.country if line.site else "",
        quantity=line.quantity, build_cost=check.build_cost if check and check.result in BUILT else ZERO,
        manual=discount_of(quote, line), manual_by=who,
    )  # fmt: skip


def discount_of(quote: Quote, line: QuoteLine) -> Decimal:
    """The manual discount in percent: the line's own, else the quote's."""
    return quote.manual_discount if line.manual_discount is None else line.manual_discount


def summed(charges: Iterable[PricedCharge]) -> dict[str, Decimal]:
    """The columns of a line from its charges; usage is not part of them."""
    total = dict.fromkeys(COLUMNS, ZERO)
    for charge in charges:
        if charge.charge == Charge.RECURRING:
            total["monthly"] += charge.amount
            total["monthly_list"] += charge.list_amount
            total["monthly_agreed"] += charge.agreed
            total["monthly_cost"] += charge.cost
        elif charge.charge == Charge.ONE_TIME:
            total["one_time"] += charge.amount
            total["one_time_list"] += charge.list_amount
            total["one_time_cost"] += charge.cost
    return total


def add_up(quote: Quote) -> None:
    """Totals of the quote from its lines, in one statement."""
    sums = ", ".join(f"COALESCE(SUM({name}), 0)" for name in COUNTED)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sums} FROM contracts_quoteline WHERE quote_id = %s", [quote.pk])  # noqa: S608 – fixed
        totals = dict(zip(COUNTED, cursor.fetchone(), strict=True))
    for name, value in totals.items():
        setattr(quote, name, value)
    quote.edition += 1
    quote.save(update_fields=[*COUNTED, "edition", "updated_at"])


def _take(line: QuoteLine, charges: list[PricedCharge]) -> bool:
    """Put the amounts on the line; whether any is another than before."""
    changed = False
    for name, value in summed(charges).items():
        if getattr(line, name) != value:
            setattr(line, name, value)
            changed = True
    return changed


def _write_lines(lines: Sequence[QuoteLine]) -> None:
    if not lines:
        return
    assigned = ", ".join(f"{name} = new.{name}" for name in COLUMNS)
    arrays = ", ".join(["%s::bigint[]", *["%s::numeric[]"] * len(COLUMNS)])
    sql = f"""
        UPDATE contracts_quoteline AS line SET {assigned}
        FROM unnest({arrays}) AS new(id, {", ".join(COLUMNS)}) WHERE line.id = new.id
    """  # noqa: S608 – column names of ours
    values: list[list[Any]] = [[line.pk for line in lines]]
    values += [[getattr(line, name) for line in lines] for name in COLUMNS]
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
                "amount": str(charge.amount), "cost": str(charge.cost), "steps": place,
            })  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM contracts_lineprice WHERE line_id = ANY(%s)", [list(lines)])
        cursor.execute(
            """
            INSERT INTO contracts_lineprice (line_id, charge, label, list_amount, amount, cost, steps)
            SELECT line, charge, label, list_amount, amount, cost, told.value
            FROM jsonb_to_recordset(%s::jsonb) AS made(
                line bigint, charge text, label text, list_amount numeric, amount numeric, cost numeric, steps int)
            JOIN jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS told(value, place) ON told.place = made.steps + 1
            """,
            [json.dumps(rows), json.dumps(told)],
        )


def charges_of(line: QuoteLine) -> list[LinePrice]:
    """The stored charges of a line, monthly ones first."""
    return list(line.prices.order_by("id"))

"""Changing: an order from a quote that changes or renews a contract touches only what is not there as wanted."""

from collections.abc import Iterable

from cmdb.models import Product
from contracts import amending, rebilling
from contracts.models import Quote, QuoteLine
from fulfillment.models import Action
from orders import queries
from orders.models import Order, OrderLine

THERE = (Product.State.ACTIVE, Product.State.SUSPENDED)


def installed(quote: Quote) -> dict[str, Product]:
    """Line key → what the customer has from it; nothing for new business."""
    if quote.purpose == Quote.Purpose.NEW:
        return {}
    rows = Product.objects.filter(account__root=quote.account.root_id, state__in=THERE).exclude(order_line_key="")
    return {product.order_line_key: product for product in rows.select_related("specification").order_by("pk")}


def under_way(order: Order, quote: Quote) -> str:
    """Why a change cannot be ordered yet: another order still delivers under its contract; "" when none does."""
    if quote.purpose != Quote.Purpose.AMENDMENT or order.contract_id is None:
        return ""
    rows = Order.objects.filter(contract=order.contract_id).exclude(pk=order.pk).exclude(state__in=queries.ENDED)
    open_ones = [one.number for one in rows.filter(lines__action=Action.ADD).distinct().order_by("pk")[:3]]
    if not open_ones:
        return ""
    return (
        f"{' and '.join(open_ones)} still deliver{'' if len(open_ones) > 1 else 's'} under this contract. Order the "
        "change when that is done, or cancel what is no longer wanted first."
    )


def left_out(quote: Quote) -> set[int]:
    """Keys of the quote's lines that ask for nothing that is not there already."""
    there = installed(quote)
    rows = QuoteLine.objects.filter(quote=quote, key__in=there) if there else ()
    return {line.pk for line in rows if rebilling.is_as_wanted(there[str(line.key)], line)}


def ending_lines(order: Order, quote: Quote, there: dict[str, Product], start: int) -> list[OrderLine]:
    """Unsaved lines that switch off what an amendment took out."""
    if quote.purpose != Quote.Purpose.AMENDMENT:
        return []
    return ends(order, [there[str(key)] for key in amending.removed_keys(quote) if str(key) in there], start)


def ends(order: Order, products: Iterable[Product], start: int = 1) -> list[OrderLine]:
    """Unsaved lines that switch off installed products."""
    return list(_ending(order, products, start))


def _ending(order: Order, products: Iterable[Product], start: int) -> Iterable[OrderLine]:
    for position, product in enumerate(sorted(products, key=lambda one: one.pk), start):
        yield OrderLine(
            order=order, key=product.order_line_key, position=position, action=Action.DELETE, product=product,
            offering_id=product.offering_id, specification=product.specification, account_id=product.account_id,
            site_id=product.site_id, quantity=product.quantity, characteristics=product.characteristics,
        )  # fmt: skip

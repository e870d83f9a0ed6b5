"""Handover: what works is the customer's; contracts of sites begin, billing begins, and the customer is told."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from cmdb.models import Product
from contracts import billing, contracting, rebilling
from crm.models import Contact, Site
from kernel import letters, notifications
from orders.models import Order, OrderLine
from orders.tree import WALKED

DONE = (
    OrderLine.State.COMPLETED, OrderLine.State.FAILED, OrderLine.State.CANCELLED, OrderLine.State.REJECTED,
)  # fmt: skip


def start_sites(orders: Mapping[int, Order], completed: Iterable[OrderLine]) -> None:
    """Sites whose last line has just been completed go live: contract in force, customer told.

    `orders` are those of the lines by key. The caller holds their locks and calls once per completion, so nobody is
    told twice.
    """
    touched = {(line.order_id, line.site_id) for line in completed if line.site_id and line.action not in WALKED}
    sites = {site for _, site in touched}
    lines = OrderLine.objects.filter(order__in=orders, site__in=sites).exclude(state__in=DONE)
    live = sorted(touched - set(lines.values_list("order", "site"))) if touched else []
    pairs = [(quote, site) for pk, site in live if (quote := orders[pk].quote_id)]
    contracting.start_service_contracts(pairs=pairs, on=timezone.localdate(), by=None)
    names = Site.objects.in_bulk({site for _, site in live}) if live else {}
    for pk, site in live:
        tell(orders[pk], f"{names[site].name} is live: everything ordered for it works.")


@transaction.atomic
def bill(*, order_id: int) -> None:
    """Billing follows completed lines: products that came are billed, changed ones anew, ended ones no more."""
    today, lines = timezone.localdate(), OrderLine.objects.filter(order=order_id, state=OrderLine.State.COMPLETED)
    came = lines.filter(action="add")
    active = Product.objects.filter(order_lines__in=came, state=Product.State.ACTIVE, billing_start__isnull=True)
    keys = list(active.distinct().values_list("pk", flat=True))
    if keys:
        billing.start(product_ids=keys, on=today, by=None)
    prices: dict[str, dict[int, Decimal]] = defaultdict(dict)
    there = lines.exclude(action="add").filter(product__isnull=False)
    for action, product, monthly in there.values_list("action", "product", "monthly"):
        prices[action][product] = monthly
    if prices:
        because = f"Order {Order.objects.values_list('number', flat=True).get(pk=order_id)}"
        rebilling.delivered(prices["modify"], on=today, because=because)
        rebilling.removed(prices["delete"], on=today, because=because)
        rebilling.rest(_resting(prices["suspend"]), on=today, because=because)
        rebilling.go_on(prices["resume"], on=today)


def _resting(products: Iterable[int]) -> list[int]:
    """Those that are still suspended; a fact that is told late must not stop what works again."""
    rows = Product.objects.filter(pk__in=list(products), state=Product.State.SUSPENDED)
    return list(rows.values_list("pk", flat=True))


def tell(order: Order, text: str) -> None:
    """Tell the order's contact: in the portal when they have a log-in, and by mail."""
    contact: Contact | None = order.contact
    if contact is None:
        return
    said, url = f"{order.number}: {text}", customer_url(order)
    if contact.user:
        notifications.tell([contact.user], said, url, event="order", mail=True)
    elif contact.email:
        address = contact.email
        transaction.on_commit(lambda: letters.send(said, f"{said}\n\n{settings.BASE_URL}{url}\n", address), robust=True)


def customer_url(order: Order) -> str:
    """Where the customer follows the order."""
    try:
        return reverse("portal:order", args=[order.number])
    except NoReverseMatch:
        return f"/portal/orders/{order.number}/"

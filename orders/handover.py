"""Handover: what works is the customer's; contracts of sites begin, billing begins, and the customer is told."""

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from cmdb.models import Product
from contracts import billing, contracting
from crm.models import Contact, Site
from kernel import notifications
from orders.models import Order, OrderLine

DONE = (
    OrderLine.State.COMPLETED, OrderLine.State.FAILED, OrderLine.State.CANCELLED, OrderLine.State.REJECTED,
)  # fmt: skip


def start_sites(order: Order, completed: list[OrderLine]) -> list[int]:
    """Sites whose last line has just been completed go live: contract in force, customer told. Keys of the sites.

    The caller holds the order's lock and calls once per completion, so nobody is told twice.
    """
    touched = {line.site_id for line in completed if line.site_id}
    still_open = order.lines.filter(site__in=touched).exclude(state__in=DONE)
    live = sorted(touched - set(still_open.values_list("site", flat=True)))
    if order.quote_id:
        contracting.start_service_contracts(
            pairs=[(order.quote_id, site) for site in live], on=timezone.localdate(), by=None
        )  # fmt: skip
    for site in Site.objects.filter(pk__in=live).order_by("pk"):
        tell(order, f"{site.name} is live: everything ordered for it works.")
    return live


@transaction.atomic
def bill(*, order_id: int) -> None:
    """Start billing of every active product of the order's completed lines that is not billed yet."""
    lines = OrderLine.objects.filter(order=order_id, state=OrderLine.State.COMPLETED, action="add")
    active = Product.objects.filter(order_lines__in=lines, state=Product.State.ACTIVE, billing_start__isnull=True)
    keys = list(active.distinct().values_list("pk", flat=True))
    if keys:
        billing.start(product_ids=keys, on=timezone.localdate(), by=None)


def tell(order: Order, text: str) -> None:
    """Tell the order's contact: in the portal when they have a log-in, and by mail."""
    contact: Contact | None = order.contact
    if contact is None:
        return
    said, url = f"{order.number}: {text}", customer_url(order)
    if contact.user:
        notifications.tell([contact.user], said, url, mail=True)
    elif contact.email:
        address = contact.email
        transaction.on_commit(
            lambda: send_mail(said, f"{said}\n\n{settings.BASE_URL}{url}\n", None, [address]), robust=True
        )


def customer_url(order: Order) -> str:
    """Where the customer follows the order."""
    try:
        return reverse("portal:order", args=[order.number])
    except NoReverseMatch:
        return f"/portal/orders/{order.number}/"

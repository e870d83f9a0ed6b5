"""Switch-off: what was delivered under a contract that ended is disconnected by an order of its own."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from cmdb.models import Product
from contracts import remainder
from contracts.models import Contract
from crm.models import Contact
from kernel import audit, notifications
from kernel.models import User
from orders import capture, changing, queries, submission, validation
from orders.models import Order, OrderLine

SHOWN = 100  # products in a preview


@dataclass(frozen=True)
class Preview:
    """What the end of a contract would switch off; orders under way that still deliver under it are named."""

    products: list[Product]
    running: list[Order]

    @property
    def more(self) -> int:
        """Products beyond those that are shown."""
        return max(len(self.products) - SHOWN, 0)


def preview(contract: Contract) -> Preview:
    """What would be switched off if the contract ended now; nothing is written."""
    products = _free(remainder.products(contract, as_if_over=True))
    return Preview(products, _running([contract.pk]))


@transaction.atomic
def order_ends(contract_ids: Iterable[int]) -> list[Order]:
    """One order for each contract that ended, with those below it, for all that is there and nobody else carries on.

    What an open order ends already is left alone, so asking again is harmless. An order that lacks something, such as a
    billing profile, stays a draft and its manager is told what.
    """
    heads = remainder.heads(contract_ids)
    found = {head.pk for head in heads.values()}
    locked = Contract.objects.locked_all(found)
    made = [order for contract in locked if (order := _order(contract))]
    for order in _running(heads.keys() | found):
        if order.manager:
            text = f"The contract of {order.number} has ended; cancel what is no longer wanted."
            notifications.tell([order.manager], text, order.get_absolute_url(), mail=True)
    return made


def of(contract: Contract) -> list[Order]:
    """Orders that switch off what the contract, or the one above it, left behind; newest first."""
    wanted = [contract.pk, *([contract.parent_id] if contract.parent_id else [])]
    rows = Order.objects.filter(contract__in=wanted, channel=Order.Channel.CONTRACT)
    if contract.site_id:
        rows = rows.filter(lines__site=contract.site_id).distinct()
    return list(rows.order_by("-pk"))


def _free(products: Iterable[Product]) -> list[Product]:
    """Those that no open order ends."""
    rows = list(products)
    ending = OrderLine.objects.filter(product__in=rows, action="delete").exclude(order__state__in=queries.ENDED)
    taken = set(ending.values_list("product", flat=True))
    return [product for product in rows if product.pk not in taken]


def _running(contract_ids: Iterable[int]) -> list[Order]:
    rows = Order.objects.filter(contract__in=list(contract_ids)).exclude(state__in=queries.ENDED)
    return list(rows.exclude(channel=Order.Channel.CONTRACT).select_related("manager").order_by("pk"))


def _order(contract: Contract) -> Order | None:
    products = _free(remainder.products(contract))
    if not products:
        return None
    before = Order.objects.filter(contract=contract, manager__isnull=False).select_related("manager").last()
    order = Order.objects.create(
        title=_title(contract), account=contract.account, channel=Order.Channel.CONTRACT, contract=contract,
        billing_profile=capture.default_profile(contract.account), contact=_contact(contract),
        requested_on=max(contract.ends_on or timezone.localdate(), timezone.localdate()), currency=contract.currency,
        priority=capture.PRIORITY.get(contract.account.tier, 40), manager=before.manager if before else None,
    )  # fmt: skip
    OrderLine.objects.bulk_create(changing.ends(order, products))
    audit.record("captured", order, by=None, changes={"contract": [None, contract.number]})
    return _submitted(order)


def _submitted(order: Order) -> Order:
    problems = validation.problems(order)
    if not problems:
        return submission.submit(order_id=order.pk, by=None)
    told = " ".join(text for texts in problems.values() for text in texts)
    people = [order.manager] if order.manager else list(User.objects.filter(groups__name="order_manager"))
    text = f"{order.number} switches off what a contract left behind and waits for you: {told}"
    notifications.tell(people, text[:240], order.get_absolute_url(), mail=True)
    return order


def _contact(contract: Contract) -> Contact | None:
    return contract.contact or Contact.objects.filter(account=contract.account).order_by("id").first()


def _title(contract: Contract) -> str:
    where = contract.site.name if contract.site else contract.account.name
    return f"Switch off after {contract.number}, {where}"[:120]

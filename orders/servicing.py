"""Servicing: by hand, an installed product is changed, moved, suspended, resumed or disconnected by an order."""

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db import transaction

from cmdb.models import Product
from contracts import rebilling
from contracts.models import Contract
from crm.models import Account, Site
from fulfillment.models import Action
from kernel import audit, commenting
from kernel.models import User
from kernel.refusal import Conflict
from orders import capture, queries
from orders.models import Order, OrderLine

State = Product.State
WORDS = {
    Action.MODIFY: "Change", Action.MOVE: "Move", Action.SUSPEND: "Suspend", Action.RESUME: "Resume",
    Action.DELETE: "Disconnect",
}  # fmt: skip
FROM = {
    Action.MODIFY: (State.ACTIVE, State.SUSPENDED), Action.MOVE: (State.ACTIVE, State.SUSPENDED),
    Action.SUSPEND: (State.ACTIVE,), Action.RESUME: (State.SUSPENDED,), Action.DELETE: (State.ACTIVE, State.SUSPENDED),
}  # fmt: skip
BY_CONTRACT = (Action.MOVE, Action.DELETE)


@dataclass(frozen=True)
class Offered:
    """One act as a page offers it; `why_not` is empty when it can be ordered now."""

    action: str
    word: str
    why_not: str = ""


def offered(product: Product) -> list[Offered]:
    """What can be ordered for a product; acts that its state rules out are left away."""
    fitting = [action for action in WORDS if product.state in FROM[action]]
    if not fitting:
        return []
    busy, contract = _busy(product), rebilling.running_contract(product)
    return [Offered(action, WORDS[action], busy or _bound(action, contract)) for action in fitting]


@transaction.atomic
def order(
    *, product_id: int, action: str, by: User, on: dt.date | None = None, site_id: int | None = None, note: str = ""
) -> Order:  # fmt: skip
    """A draft order that does this to a product; of a change, its line is then configured.

    Raises:
        Uncapturable: a move without a new site; at its field.
        Conflict: its state does not allow it, another order is at it, or its contract has to be changed first.
        NotPermitted: the person may not create orders.
    """
    capture.require_capturer(by)
    product = Product.objects.select_related("site").get(pk=product_id)
    where = f", {product.site.name}" if product.site else ""
    title = f"{WORDS[Action(action)]} {product.name}{where}"[:120]
    made = capture.by_hand(account_id=product.account_id, title=title, by=by, requested_on=on)
    add_line(order_id=made.pk, product_id=product_id, action=action, by=by, site_id=site_id)
    commenting.note(made, note, by=by)
    return Order.objects.get(pk=made.pk)


@transaction.atomic
def add_line(*, order_id: int, product_id: int, action: str, by: User, site_id: int | None = None) -> OrderLine:
    """The same as one more line of a draft by hand; of a move two lines, the first one that of the new site.

    Raises as `order` does.
    """
    capture.require_capturer(by)
    made = capture.own_draft(order_id)
    root = Account.objects.values_list("root", flat=True).get(pk=made.account_id)
    product = (
        Product.objects.select_for_update(of=("self",), no_key=True)
        .select_related("offering", "specification", "site").filter(account__root=root, pk=product_id).first()
    )  # fmt: skip
    if product is None:
        raise capture.Uncapturable(problems={"product": ["There is no such product of this customer."]})
    _require_possible(product, action)
    if action == Action.MOVE:
        return _move(made, product, site_id, by)
    line = _line(made, product, action)
    audit.record("line added", made, by=by, changes={"lines": [None, f"{WORDS[Action(action)]} {product}"]})
    capture.reprice(made)
    return OrderLine.objects.get(pk=line.pk)


def _require_possible(product: Product, action: str) -> None:
    """Raises Conflict with the reason why it cannot be ordered."""
    if action not in WORDS:
        raise Conflict("There is no such thing to order.")
    if product.state not in FROM[Action(action)]:
        state = product.get_state_display().lower()
        raise Conflict(f"{product.number} is {state}; it cannot be ordered to {WORDS[Action(action)].lower()} it.")
    if why := _busy(product) or _bound(action, rebilling.running_contract(product)):
        raise Conflict(why)


def _busy(product: Product) -> str:
    rows = OrderLine.objects.filter(product=product).exclude(action=Action.ADD)
    running = rows.exclude(order__state__in=queries.ENDED).select_related("order").first()
    return f"{running.order.number} changes it already. End that order first." if running else ""


def _bound(action: str, contract: Contract | None) -> str:
    """Why an act has to be agreed first; "" when it needs no agreement."""
    if contract is None or action not in BY_CONTRACT:
        return ""
    if action == Action.MOVE:
        return f"Moving it is agreed first: {contract.number} names its site, and a quote changes the contract."
    return f"Ending it is agreed first: {contract.number} runs, and a quote changes or a notice ends the contract."


def _move(made: Order, product: Product, site_id: int | None, by: User) -> OrderLine:
    site = Site.objects.filter(account__root=product.account.root_id, pk=site_id).first() if site_id else None
    if site is None:
        raise capture.Uncapturable(problems={"site": ["Choose the site that it moves to."]})
    if site.pk == product.site_id:
        raise capture.Uncapturable(problems={"site": ["It is at this site already."]})
    new = capture.add_line(
        order_id=made.pk, offering_id=product.offering_id, site_id=site.pk, quantity=product.quantity, by=by,
        characteristics=_chosen(product),
    )  # fmt: skip
    _line(made, product, Action.DELETE, replaced_by=new)
    capture.reprice(made)
    return new


def _chosen(product: Product) -> dict[str, object]:
    """What the customer chose; technical values of the old site do not go along."""
    keys = product.specification.characteristics.filter(source="customer").values_list("key", flat=True)
    return {key: product.characteristics[key] for key in keys if key in product.characteristics}


def _line(made: Order, product: Product, action: str, replaced_by: OrderLine | None = None) -> OrderLine:
    last = made.lines.order_by("-position").values_list("position", flat=True).first() or 0
    return OrderLine.objects.create(
        order=made, key=uuid.uuid4(), position=last + 1, action=action, product=product, offering=product.offering,
        specification=product.specification, account_id=product.account_id, site=product.site,
        contact=product.site.contact if product.site else None, quantity=product.quantity,
        characteristics=product.characteristics, replaced_by=replaced_by,
        access_notes=product.site.access_notes if product.site else "",
    )  # fmt: skip

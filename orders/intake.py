"""Intake: a whole order with its lines at once, as another system sends it; checked and submitted, or nothing is kept.

The same validation and the same lifecycle as an order by hand, in a constant number of queries whatever its size.
Problems are named `<place>:<field>`, with the place that the caller gave each item.
"""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog import configuration, memory, references, shelving
from catalog.models import Offering, Specification
from cmdb.models import Product
from contracts.models import Quote
from crm.models import Account, BillingProfile, Contact, Site
from fulfillment.models import Action
from kernel import audit, commenting, copying, numbering, remembering
from kernel.models import User
from kernel.refusal import Conflict, Refusal
from orders import capture, queries, reduction, servicing, submission, validation
from orders.models import Order, OrderLine
from orders.tree import WALKED

MOST_LINES = 2000
MOST_QUANTITY = 10_000
COLUMNS = tuple(
    field.attname for field in OrderLine._meta.concrete_fields if field.name not in ("created_at", "updated_at")
)
# Written out, because building these for each order would cost several times what asking them does.
_SITES = """
SELECT site.* FROM crm_site site JOIN crm_account account ON account.id = site.account_id
WHERE site.id = ANY(%s) AND account.root_id = %s AND starts_with(account.path, %s)
"""
_FIRST_CONTACT = """
SELECT contact.* FROM crm_contact contact JOIN crm_account account ON account.id = contact.account_id
WHERE account.root_id = %s AND starts_with(account.path, %s) ORDER BY contact.id LIMIT 1
"""
Problems = dict[str, list[str]]


class NotTaken(Refusal):
    """The order cannot be taken so; every problem stands at its place."""


class UnderWay(Conflict):
    """An order on this product is running already."""


@dataclass(frozen=True)
class Item:
    """One thing asked for. `values` are changes for an installed product, the whole choice for a new one.

    `ending` has the numbers of the installed parts that go where a change leaves fewer of them.
    """

    place: str
    id: str
    action: str
    offering: str = ""
    product: str = ""
    site: str = ""
    parent: str = ""
    quantity: int | None = None
    values: dict[str, Any] = field(default_factory=dict)
    ending: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """An order as another system wants it."""

    account: Account
    title: str
    items: list[Item]
    reference: str = ""
    requested_on: dt.date | None = None
    contact_id: int | None = None
    billing_profile_id: int | None = None
    notes: tuple[str, ...] = ()
    channel: str = Order.Channel.API


@dataclass
class Known:
    """Everything that items may name, read once: what is offered, what is installed, and what an order changes now."""

    offerings: dict[str, Offering]
    installed: dict[str, Any]
    busy: dict[int, str]


@dataclass(frozen=True)
class Orderable:
    """What items are about: how all that they name is read, and how one becomes a line, or None with its problems.

    `missing` is what to say of a change that names nothing installed.
    """

    read: Callable[[Asked, User], Known]
    line: Callable[[Order, Item, Known, Site | None, Problems], OrderLine | None]
    missing: str = "Say which installed product this changes."


@transaction.atomic(savepoint=False)
@remembering.once()
def take(asked: Asked, *, by: User, of: Orderable | None = None) -> tuple[Order, list[OrderLine]]:
    """Capture, price, check and submit an order, of products unless something else is said.

    Returns the order and its lines with what they point at. A refusal ends the transaction in which it is called.

    Raises:
        NotTaken, Incomplete: with every problem found, each at its place.
        UnderWay: a running order changes one of these products already.
        NotPermitted: the person may not order for this account.
    """
    capture.require_capturer(by, asked.account.pk)
    of = of or PRODUCTS
    problems = _shape(asked, of.missing)
    known = of.read(asked, by)
    order = _head(asked, by, problems)
    lines = _lines(order, asked, of, known, problems)
    if problems:
        raise NotTaken(problems=problems)
    capture.price_lines(order, [line for line in lines if line.action not in WALKED])
    with audit.together(), references.asked_by(by):
        _give_keys(order, asked, lines)
        audit.record("captured", order, by=by, changes={"channel": [None, order.channel]})
        _submit(order, asked, lines, by)
        order.save(force_insert=True)
        copying.copy(OrderLine, COLUMNS, ([getattr(line, name) for name in COLUMNS] for line in lines))
        for text in asked.notes:
            commenting.note(order, text, by=by)
    return order, lines


@transaction.atomic
def take_quote(*, quote: Quote, reference: str, by: User) -> Order:
    """The order of an accepted quote, submitted; asked again, the same order. Raises as `capture.from_quote` does."""
    order = capture.from_quote(quote_id=quote.pk, by=by)
    if order.state != Order.State.DRAFT:
        return order
    if reference and not order.their_reference:
        Order.objects.filter(pk=order.pk).update(their_reference=reference[:60])
    return submission.submit(order_id=order.pk, by=by)


def _shape(asked: Asked, missing: str) -> Problems:
    """What is wrong with the items as such: ids twice, circles, parents that are not there."""
    found: Problems = {}
    if len(asked.items) > MOST_LINES:
        return {"items": [f"An order has at most {MOST_LINES} items."]}
    twice = {name for name, count in Counter(item.id for item in asked.items).items() if count > 1}
    for item in asked.items:
        if not item.id or len(item.id) > 60:
            found[f"{item.place}:id"] = ["An id has from 1 to 60 characters."]
        elif item.id in twice:
            found[f"{item.place}:id"] = [f"The id “{item.id}” is used twice."]
        if item.quantity is not None and not 1 <= item.quantity <= MOST_QUANTITY:
            found[f"{item.place}:quantity"] = [f"A quantity is from 1 to {MOST_QUANTITY}."]
        if item.action == Action.ADD and not item.offering:
            found[f"{item.place}:offering"] = ["Say which offering is wanted."]
        if item.action != Action.ADD and not item.product:
            found[f"{item.place}:product"] = [missing]
    if len(asked.title) > 120:
        found["title"] = ["A description has at most 120 characters."]
    if len(asked.reference) > 60:
        found["reference"] = ["An external id has at most 60 characters."]
    return found


def tree_of(account: Account) -> dict[str, Any]:
    """What belongs to the account or below it, as conditions on records that have an account."""
    return {"account__root": account.root_id, "account__path__startswith": account.path}


def _read(asked: Asked, by: User) -> Known:
    offerings = _offered(frozenset(item.offering for item in asked.items if item.offering), by)
    numbers = {item.product for item in asked.items if item.product}
    products: list[Product] = []
    busy: dict[int, str] = {}
    if numbers:
        products = list(
            Product.objects.filter(number__in=numbers, **tree_of(asked.account))
            .select_for_update(of=("self",), no_key=True).select_related("offering", "specification", "site", "account")
            .prefetch_related("specification__characteristics").order_by("pk")
        )  # fmt: skip
        running = OrderLine.objects.filter(product__in=[one.pk for one in products]).exclude(
            order__state__in=queries.ENDED
        )
        busy = dict(running.exclude(action=Action.ADD).values_list("product", "order__number"))
    return Known(offerings, {one.number: one for one in products}, busy)


def _offered(keys: frozenset[str], by: User) -> dict[str, Offering]:
    """What the caller may order under these keys, with specifications and characteristics."""

    def read() -> dict[str, Offering]:
        rows = Offering.objects.on_sale().filter(key__in=keys, specification__isnull=False)
        rows = rows.select_related("specification").prefetch_related("specification__characteristics")
        return {one.key: one for one in shelving.narrowed(rows, by)}

    return memory.recall(("orderable", by.pk, keys, timezone.localdate()), read) if keys else {}


def _sites(asked: Asked) -> dict[str, Site]:
    places = {int(item.site) for item in asked.items if item.site.isdecimal() and len(item.site) < 16}
    if not places:
        return {}
    found = list(Site.objects.raw(_SITES, [list(places), asked.account.root_id, asked.account.path]))
    accounts = {asked.account.pk: asked.account}
    if others := {site.account_id for site in found} - accounts.keys():
        accounts |= Account.objects.in_bulk(others)
    for site in found:
        site.account = accounts[site.account_id]
    return {str(site.pk): site for site in found}


def _head(asked: Asked, by: User, problems: Problems) -> Order:
    account = asked.account
    profile, contact = _profile(asked, by), _contact(asked, by)
    if profile is None and asked.billing_profile_id is not None:
        problems["billing_profile"] = ["There is no such billing account of this customer."]
    if contact is None and asked.contact_id is not None:
        problems["contact"] = ["There is no such person at this customer."]
    return Order(
        title=asked.title.strip() or f"Order of {account.name}"[:120], account=account, channel=asked.channel,
        currency=account.currency, billing_profile=profile, contact=contact, requested_on=asked.requested_on,
        their_reference=asked.reference.strip(), priority=capture.PRIORITY.get(account.tier, 40),
    )  # fmt: skip


def _profile(asked: Asked, by: User) -> BillingProfile | None:
    """How it is paid: as asked, among what the caller sees of this customer, else as the account pays by default."""
    default = capture.default_profile(asked.account)
    if asked.billing_profile_id is None or (default and default.pk == asked.billing_profile_id):
        return default
    rows = BillingProfile.objects.filter(pk=asked.billing_profile_id, account__root=asked.account.root_id)
    found: BillingProfile | None = rows.filter(account__in=Account.objects.visible_to(by)).first()
    return found


def _contact(asked: Asked, by: User) -> Contact | None:
    """Whom to talk to: as asked, among the people of this customer whom the caller sees, else the first of them."""
    account = asked.account
    if asked.contact_id is None:
        return next(iter(Contact.objects.raw(_FIRST_CONTACT, [account.root_id, account.path])), None)
    rows = Contact.objects.filter(pk=asked.contact_id, account__root=account.root_id)
    found: Contact | None = rows.filter(account__in=Account.objects.visible_to(by)).first()
    return found


def _lines(order: Order, asked: Asked, of: Orderable, known: Known, problems: Problems) -> list[OrderLine]:
    lines, sites = [], _sites(asked)
    for position, item in enumerate(asked.items, 1):
        site = sites.get(item.site)
        if item.site and site is None:
            problems[f"{item.place}:site"] = [f"There is no site “{item.site}” of this customer."]
        line = of.line(order, item, known, site, problems)
        if line is not None:
            line.position, line.their_item = position, item.id
            lines.append(line)
    return lines


def _line(order: Order, item: Item, known: Known, site: Site | None, problems: Problems) -> OrderLine | None:
    if item.action != Action.ADD:
        return _changed(order, item, known, problems)
    offering = known.offerings.get(item.offering)
    if offering is None or offering.specification is None or not offering.sellable:
        if item.offering:
            problems[f"{item.place}:offering"] = [f"“{item.offering}” is not an offering that can be ordered."]
        return None
    return added(order, item, offering, offering.specification, site)


def added(
    order: Order, item: Item, offering: Offering, specification: Specification, site: Site | None
) -> OrderLine:  # fmt: skip
    """The unsaved line of something new, with what it has by default."""
    return OrderLine(
        order=order, key=uuid.uuid4(), action=Action.ADD, offering=offering, specification=specification,
        account=site.account if site else order.account, site=site, quantity=item.quantity or 1,
        contact_id=site.contact_id if site else None, access_notes=site.access_notes if site else "",
        characteristics={**configuration.defaults(specification), **item.values},
    )  # fmt: skip


def _changed(order: Order, item: Item, known: Known, problems: Problems) -> OrderLine | None:
    product = known.installed.get(item.product)
    if product is None:
        if item.product:
            problems[f"{item.place}:product"] = [f"There is no product “{item.product}” of this customer."]
        return None
    if product.state not in servicing.FROM[Action(item.action)]:
        word, act = product.get_state_display().lower(), servicing.WORDS[Action(item.action)].lower()
        problems[f"{item.place}:product"] = [f"{product.number} is {word}; it cannot be ordered to {act} it."]
    require_free(item, known, product)
    if item.site and item.site != str(product.site_id):
        problems[f"{item.place}:site"] = ["A product is moved by ending it here and adding it there."]
    keep = item.action in WALKED
    return OrderLine(
        order=order, key=uuid.uuid4(), action=item.action, product=product, offering=product.offering,
        specification=product.specification, account=product.account, site=product.site,
        quantity=product.quantity if keep else (item.quantity or product.quantity),
        characteristics=product.characteristics if keep else {**product.characteristics, **item.values},
        ending=sorted(set(item.ending)),
    )  # fmt: skip


def require_free(item: Item, known: Known, row: Any) -> None:
    """Raises UnderWay when a running order changes what the item names."""
    if row.pk in known.busy:
        said = f"Order {known.busy[row.pk]} changes {row.number} already."
        raise UnderWay(problems={f"{item.place}:product": [said]})


PRODUCTS = Orderable(_read, _line)


def _give_keys(order: Order, asked: Asked, lines: list[OrderLine]) -> None:
    """Keys before anything is stored: trail and problems name records by them, lines the one above them, and all is
    written once, as it is when it was submitted."""
    order.number = numbering.take(Order.PREFIX)
    (order.pk,), keys = copying.keys_of((Order, 1), (OrderLine, len(lines)))
    for line, key in zip(lines, keys, strict=True):
        line.pk, line.order = key, order
        line._state.adding = False
    by_item = {line.their_item: line for line in lines}
    for item in asked.items:
        if item.parent in by_item:
            by_item[item.id].parent = by_item[item.parent]


def _submit(order: Order, asked: Asked, lines: list[OrderLine], by: User) -> None:
    """Submit; problems of lines are named after the items again."""
    _require_parts(order, asked, lines)
    try:
        submission.submit_new(order, lines, by=by)
    except validation.Incomplete as refusal:
        places = {item.id: item.place for item in asked.items}
        named = {f"line-{line.pk}-": places[line.their_item] for line in lines}
        found: Problems = {}
        for name, texts in refusal.problems.items():
            head = "-".join(name.split("-")[:2]) + "-"
            more = [_to_pick_from(order, lines, int(head.split("-")[1]))] if name == f"{head}ending" else []
            found[f"{named[head]}:{name.removeprefix(head)}" if head in named else name] = [*texts, *more]
        raise validation.Incomplete(problems=found) from refusal


def _require_parts(order: Order, asked: Asked, lines: list[OrderLine]) -> None:
    """Raises NotTaken where an item names as ending what is none of the parts that its change leaves too many."""
    naming = [line for line in lines if line.ending]
    offered = reduction.choices(order, naming) if naming else {}
    places = {item.id: item.place for item in asked.items}
    found: Problems = {}
    for line in naming:
        known = {part.number for choice in offered.get(line.pk, ()) for part in choice.parts}
        if unknown := set(line.ending) - known:
            said = f"{', '.join(sorted(unknown))[:120]} is no part that this change leaves over."
            found[f"{places[line.their_item]}:ending"] = [said]
    if found:
        raise NotTaken(problems=found)


def _to_pick_from(order: Order, lines: list[OrderLine], pk: int) -> str:
    found = reduction.choices(order, [line for line in lines if line.pk == pk]).get(pk, [])
    listed = "; ".join(f"{choice.name}: {choice.numbers}" for choice in found)
    return f"Name them by items below this one with the action delete, out of {listed}."

"""Validation: everything that keeps a draft from being a promise, said at once, each at its field."""

from collections import defaultdict

from django.utils import timezone

from catalog import configuration
from contracts import amending
from contracts.models import QuoteLine
from kernel.refusal import Refusal
from orders import changing, reduction
from orders.models import Order, OrderLine

Problems = dict[str, list[str]]
MIRRORED = ("offering_id", "site_id", "quantity", "monthly", "one_time")


class Incomplete(Refusal):
    """The order cannot be submitted yet; every problem stands at its field."""


def require_complete(order: Order, lines: list[OrderLine] | None = None) -> None:
    """Raises Incomplete with every problem of the order."""
    if found := problems(order, lines):
        raise Incomplete(problems=found)


def problems(order: Order, lines: list[OrderLine] | None = None) -> Problems:
    """Field → sentences; fields of a line are named line-<key>-<field>. A constant number of queries.

    `lines` are those of the order where they are at hand with all that they point at.
    """
    lines = lines_of(order) if lines is None else lines
    found: Problems = defaultdict(list)
    _check_head(order, lines, found)
    for line in lines:
        _check_line(order, line, found)
        _check_configuration(line, found)
    for pk, text in reduction.lacking(order, lines).items():
        found[f"line-{pk}-ending"].append(text)
    return dict(found)


def lines_of(order: Order) -> list[OrderLine]:
    """The lines of an order with all that is looked at."""
    return list(
        order.lines.select_related("offering", "specification", "site", "account", "quote_line", "product")
        .prefetch_related("specification__characteristics")
        .order_by("position", "id")
    )


def field_of(line: OrderLine, name: str) -> str:
    """How a field of a line is named among the problems and in the form."""
    return f"line-{line.pk}-{name}"


def _check_head(order: Order, lines: list[OrderLine], found: Problems) -> None:
    if not lines:
        found["lines"].append("The order has no lines. Add what the customer wants.")
    if order.channel == Order.Channel.SERVICE:
        pass  # whoever sends a service order bills the product that it is part of
    elif order.billing_profile is None:
        found["billing_profile"].append(
            "The account has no billing profile chosen, so nothing could be invoiced. Choose one."
        )
    elif order.billing_profile.currency != order.currency:
        found["billing_profile"].append(
            f"It is kept in {order.billing_profile.currency}, but the order is in {order.currency}."
        )
    if order.contact is None:
        found["contact"].append("Choose whom we talk to about this order.")
    if order.requested_on and order.requested_on < timezone.localdate():
        found["requested_on"].append("The requested date is in the past.")
    if order.quote_id:
        _check_trace(order, lines, found)


def _check_trace(order: Order, lines: list[OrderLine], found: Problems) -> None:
    """The order says what the quote says: every line traces to one, with the same product, place, number and price."""
    sold = QuoteLine.objects.filter(quote=order.quote_id, offering__specification__isnull=False)
    quoted = set(sold.values_list("pk", flat=True))
    taken_out = amending.removed_keys(order.quote) if order.quote else set()
    quoted -= changing.left_out(order.quote) if order.quote else set()
    traced = {line.quote_line_id for line in lines}
    if missing := len(quoted - traced):
        found["lines"].append(
            f"{missing} lines of the quote are not in the order. Reopen the quote to change what is sold."
        )
    for line in lines:
        source = line.quote_line
        if line.action == "delete" and line.key in taken_out:
            continue
        if source is None or source.pk not in quoted:
            found[field_of(line, "offering")].append("This line is not in the quote. Reopen the quote to add it.")
            continue
        for name in MIRRORED:
            if getattr(line, name) != getattr(source, name):
                word = name.removesuffix("_id").replace("_", "-")
                found[field_of(line, name.removesuffix("_id"))].append(
                    f"The {word} differs from the quote. Reopen the quote to change it."
                )


def _check_line(order: Order, line: OrderLine, found: Problems) -> None:
    if line.offering.needs_site and line.site is None:
        found[field_of(line, "site")].append(f"{line.offering} needs a site.")
    if line.site and not line.account.path.startswith(f"/{order.account.root_id}/"):
        found[field_of(line, "site")].append(f"{line.site} belongs to another customer.")
    if line.action != "add" and line.product is None and line.service_id is None:
        found[field_of(line, "product")].append("Say which installed product this changes.")
    if line.requested_on and line.requested_on < timezone.localdate():
        found[field_of(line, "requested_on")].append("The requested date is in the past.")


def _check_configuration(line: OrderLine, found: Problems) -> None:
    if line.action in ("delete", "suspend", "resume"):
        return
    problems = configuration.validate(
        line.specification, line.characteristics, complete=True, account_id=line.account_id
    )
    names = {c.key: c.name for c in line.specification.characteristics.all()} if problems else {}
    for key, texts in problems.items():
        name = names.get(key, key)
        found[field_of(line, key)] += [t if name.lower() in t.lower() else f"{name}: {t}" for t in texts]

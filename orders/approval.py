"""Approval: checks become facts, a decision table says who is asked, and agreement reserves the products."""

from django.db import transaction

from cmdb import reservation, termination
from cmdb.reservation import NewProduct
from kernel import approvals, audit, decisions, lifecycle, outbox
from kernel.models import ApprovalRequest, AuditEntry, User
from orders import checks, events
from orders.models import Order, OrderLine

TABLE = "order_approval"
NO_TABLE = approvals.Ask("order_approver", "No approval rules are in force, so every order is looked at.")


def request(order: Order) -> Order:
    """Ask whoever the table names; approve at once when it names nobody. The caller holds the lock."""
    lifecycle.move(order, Order.ask_approval, by=None)
    found = checks.of(order)
    asks = _asks(found)
    if not asks or order.channel == Order.Channel.CONTRACT:  # whoever ended the contract has been asked
        return _grant(order, by=None)
    approvals.request(
        order, asks, by=_submitter(order), url=f"/orders/{order.number}/", content_hash=fingerprint(order),
        note="\n".join(found.warnings),
    )  # fmt: skip
    return order


@transaction.atomic
def decide(*, step_id: int, by: User, approve: bool, reason: str = "") -> ApprovalRequest:
    """Take one decision; the last approval approves the order, a rejection rejects it.

    Raises:
        NotPermitted: the person lacks the role, or submitted the order.
        Conflict: it is decided already.
    """
    return approvals.decide(step_id, by=by, approve=approve, reason=reason)


def end(made: ApprovalRequest) -> None:
    """A round of approval is over: the order goes on or is rejected. Runs in the deciding transaction."""
    order: Order = Order.objects.locked(made.subject_id)
    if order.state != Order.State.AWAITING_APPROVAL:
        return
    last = made.steps.filter(decided_by__isnull=False).select_related("decided_by").order_by("-decided_at").first()
    by = last.decided_by if last else None
    if made.state == ApprovalRequest.State.GRANTED:
        _grant(order, by=by)
    elif made.state == ApprovalRequest.State.REFUSED:
        lifecycle.move(order, Order.reject, by=by, reason=last.reason if last else "")
        lifecycle.move_many(OrderLine.objects.filter(order=order), OrderLine.reject, by=by)
        outbox.publish(events.OrderEnded(order_id=order.pk, state=Order.State.REJECTED))


def ask_again(order: Order, by: User) -> None:
    """What was to be approved has changed: void the open round and ask anew. The caller holds the lock."""
    if not approvals.end(order, ApprovalRequest.State.VOID):
        return
    audit.record("approval voided", order, by=by, reason="What was to be approved has changed.")
    found = checks.of(order)
    if asks := _asks(found):
        approvals.request(
            order, asks, by=_submitter(order), url=f"/orders/{order.number}/", content_hash=fingerprint(order),
            note="\n".join(found.warnings),
        )  # fmt: skip
    else:
        _grant(order, by=None)


def fingerprint(order: Order) -> str:
    """What an approval is bound to: money, dates, and every line as it was shown."""
    names = ("key", "action", "offering_id", "site_id", "quantity", "characteristics", "monthly", "one_time")
    lines = list(order.lines.order_by("position", "id").values_list(*names))
    return approvals.fingerprint([order.monthly, order.one_time, order.requested_on, order.term_months, lines])


def _asks(found: checks.Checked) -> list[approvals.Ask]:
    table = decisions.reader(TABLE)
    if table is None:
        return [NO_TABLE]
    reasons: dict[str, list[str]] = {}
    sequences: dict[str, int] = {}
    for row in table(found.about):
        if role := str(row.get("role") or ""):
            reasons.setdefault(role, []).append(str(row.get("because") or "Asked by the approval rules"))
            sequences[role] = min(int(row.get("sequence") or 1), sequences.get(role, 99))
    return [
        approvals.Ask(role, "; ".join(dict.fromkeys(said))[:200], sequences[role]) for role, said in reasons.items()
    ]


def _submitter(order: Order) -> User:
    """Whoever submitted it, for nobody approves their own."""
    rows = AuditEntry.objects.filter(subject_type=order._meta.label_lower, subject_id=order.pk, action="submit")
    return User.objects.get(pk=rows.order_by("-id").values("actor")[:1])


def _grant(order: Order, *, by: User | None) -> Order:
    lifecycle.move(order, Order.approve, by=by)
    _reserve(order, by)
    ending = order.lines.filter(action="delete", product__isnull=False, replaced_by=None)
    termination.expect_end(list(ending.values_list("product", flat=True)), by)
    outbox.publish(events.OrderApproved(order_id=order.pk))
    return order


def _reserve(order: Order, by: User | None) -> None:
    """Products come to be as pending active for every line that adds one."""
    rows = order.lines.filter(action="add", product__isnull=True, specification__kind="product")
    rows = rows.select_related("offering", "parent")
    lines = list(rows.order_by("position", "id"))
    products = reservation.reserve_products([_product(order, line) for line in lines], by)
    for line, product in zip(lines, products, strict=True):
        line.product = product
    OrderLine.objects.bulk_update(lines, ["product"])


def _product(order: Order, line: OrderLine) -> NewProduct:
    return NewProduct(
        order_number=order.number, order_line_key=str(line.key), name=line.offering.name, offering_id=line.offering_id,
        specification_id=line.specification_id, account_id=line.account_id, site_id=line.site_id,
        bundle_line_key=str(line.parent.key) if line.parent else "", characteristics=line.characteristics,
        quantity=line.quantity, currency=order.currency, monthly=line.monthly, one_time=line.one_time,
        term_months=order.term_months,
    )  # fmt: skip

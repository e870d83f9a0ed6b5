"""Editing: what may change on an order without selling anything anew: people, dates, references, how to get in."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils import timezone

from crm.models import BillingProfile, Contact
from kernel import audit, notifications
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal
from orders import approval, choosing, queries, reduction, validation
from orders.models import Order, OrderLine

ALWAYS = {"title", "their_reference", "contact", "manager"}
UNTIL_APPROVED = {"billing_profile", "requested_on"}
OF_LINES = {"contact", "access_notes", "requested_on"}
BEFORE = reduction.BEFORE


class NotEditable(Refusal):
    """This cannot be changed here; the message says where it can."""


class ChangedMeanwhile(Conflict):
    """Somebody else saved the order since it was shown."""


@transaction.atomic
def edit(
    *, order_id: int, by: User, edition: int | None = None, changes: dict[str, Any] | None = None,
    lines: dict[int, dict[str, Any]] | None = None,
) -> Order:  # fmt: skip
    """Change fields of the order and of its lines, all or none. People and `billing_profile` take keys.

    Raises:
        NotEditable: a commercial field, or one whose time is over; the problem stands at its field.
        ChangedMeanwhile: `edition` is not the order's any more.
        NotPermitted: the person may not change orders.
    """
    if not by.has_perm("orders.change_order"):
        raise NotPermitted("Your roles do not include the right to change orders.")
    order: Order = Order.objects.select_related("account").select_for_update(of=("self",)).get(pk=order_id)
    if edition is not None and edition != order.edition:
        raise ChangedMeanwhile("Somebody else has changed this order since you opened it. Look at it again.")
    wanted, of_lines = changes or {}, lines or {}
    _require_editable(order, wanted, of_lines)
    before = {name: _shown(order, name) for name in wanted}
    asked_before = order.requested_on
    for name, value in wanted.items():
        setattr(order, name, _manager(order, value, by) if name == "manager" else _value(order, name, value))
    done = audit.difference(before, {name: _shown(order, name) for name in wanted}) | _edit_lines(order, of_lines)
    if not done:
        return order
    order.edition += 1
    order.save()
    audit.record("edited", order, by=by, changes=done)
    if order.requested_on != asked_before and order.state == Order.State.AWAITING_APPROVAL:
        approval.ask_again(order, by)
    return order


def tell_managers(order_ids: Collection[int], by: User) -> None:
    """Tell people once of all orders that they look after now."""
    rows = Order.objects.filter(pk__in=order_ids, manager__isnull=False).exclude(manager=by)
    given: dict[User, list[Order]] = defaultdict(list)
    for order in rows.select_related("manager").order_by("manager", "pk"):
        given[order.manager].append(order)
    for manager, orders in given.items():
        if len(orders) == 1:
            text, url = f"{by} gave you {orders[0]} to look after", orders[0].get_absolute_url()
        else:
            text, url = f"{by} gave you {len(orders)} orders to look after", f"/orders/?manager={manager.pk}"
        notifications.tell([manager], text, url, event="task")


def may_edit(order: Order, name: str) -> bool:
    """Whether the order's state still allows the field to change."""
    return order.state not in queries.ENDED and (name in ALWAYS or (name in UNTIL_APPROVED and order.state in BEFORE))


def _require_editable(order: Order, changes: dict[str, Any], lines: dict[int, dict[str, Any]]) -> None:
    problems = {name: [why] for name in changes if (why := _why_not(order, name, ALWAYS, UNTIL_APPROVED))}
    for pk, values in lines.items():
        for name in values:
            if why := _why_not(order, name, OF_LINES - {"requested_on"}, {"requested_on"}):
                problems[f"line-{pk}-{name}"] = [why]
    if order.state in BEFORE and _past(changes.get("requested_on")):
        problems["requested_on"] = ["The requested date is in the past."]
    if "title" in changes and not str(changes["title"]).strip():
        problems["title"] = ["Give the order a title that people will recognise."]
    if problems:
        raise NotEditable(problems=problems)


def _why_not(order: Order, name: str, always: set[str], until_approved: set[str]) -> str:
    """Why a field cannot change now, "" when it can."""
    if name not in always | until_approved:
        return _commercial(order)
    if order.state in queries.ENDED or (name in until_approved and order.state not in BEFORE):
        return "This can no longer change: the order is past that point."
    return ""


def _commercial(order: Order) -> str:
    if order.quote_id:
        return "What was sold is changed in the quote: reopen the quote as a new version."
    return "What is ordered is changed by removing the line and adding another."


def _past(value: Any) -> bool:
    return isinstance(value, dt.date) and value < timezone.localdate()


def _value(order: Order, name: str, value: Any) -> Any:
    """The value to set; people and profiles must belong to the customer."""
    if name in ("contact", "billing_profile"):
        if not value:
            return None
        model: Any = Contact if name == "contact" else BillingProfile
        found = model.objects.filter(pk=value, account__root=order.account.root_id).first()
        if found is None:
            raise NotEditable(problems={name: ["This belongs to another customer."]})
        return found
    return value.strip() if isinstance(value, str) else value


def _manager(order: Order, key: Any, by: User) -> User | None:
    """Who looks after the order: one of those who may."""
    found: User | None = choosing.managers(by, order.manager_id).filter(pk=key).first() if key else None
    if key and found is None:
        raise NotEditable(problems={"manager": ["Choose an order manager."]})
    return found


def _shown(order: Order, name: str) -> Any:
    value = getattr(order, name)
    return str(value) if value is not None and not isinstance(value, str) else value


def _edit_lines(order: Order, wanted: dict[int, dict[str, Any]]) -> dict[str, list[Any]]:
    if not wanted:
        return {}
    rows: dict[int, OrderLine] = {line.pk: line for line in OrderLine.objects.locked_all(wanted)}
    if any(rows[pk].order_id != order.pk if pk in rows else True for pk in wanted):
        raise NotEditable("One of these lines belongs to another order.")
    done: dict[str, list[Any]] = {}
    contacts = {c.pk: c for c in Contact.objects.filter(account__root=order.account.root_id, pk__in=_contacts(wanted))}
    for pk, values in wanted.items():
        line = rows[pk]
        for name, value in values.items():
            new = (contacts.get(int(value)) if value else None) if name == "contact" else value
            if getattr(line, name) != new:
                done[validation.field_of(line, name)] = [str(getattr(line, name) or ""), str(new or "")]
                setattr(line, name, new)
    OrderLine.objects.bulk_update(rows.values(), sorted(OF_LINES))
    return done


def _contacts(wanted: dict[int, dict[str, Any]]) -> set[int]:
    return {int(values["contact"]) for values in wanted.values() if values.get("contact")}

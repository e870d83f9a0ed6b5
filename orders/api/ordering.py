"""What TMF622 and TMF641 have in common: reading bodies of orders, changing their heads, cancelling them."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from cmdb import models as inventory
from crm.api import naming
from crm.models import Account
from fulfillment.models import Action
from kernel.models import User
from kernel.rest import shapes
from kernel.rest.errors import ApiError, invalid
from kernel.rest.filters import MOMENT, Filter
from kernel.rest.rendering import Json
from kernel.rest.resource import Change, Resource
from orders import cancellation, editing
from orders.api import relating, shown
from orders.intake import Asked, Item
from orders.models import CancelRequest, Order

DRAFTS = Q(state=Order.State.DRAFT)
HEAD = {
    "requested_on": "requestedCompletionDate", "their_reference": "externalId", "reference": "externalId",
    "title": "description", "billing_profile": "billingAccount.id", "contact": "relatedParty",
    "account": "relatedParty", "reason": "cancellationReason",
}  # fmt: skip
CLOSED = frozenset({"orderDate", "completionDate", "cancellationDate", "expectedCompletionDate"})


@dataclass(frozen=True)
class Kind:
    """Product or service orders: how their items and what these are about are called in bodies.

    `order` and `item` are the names of resource and items, `about` that of what an item is about; `fields` maps fields
    of an item to places in it, and `characteristics` is where the values stand. `switch` is the attribute of a change
    that suspends or resumes, and the word that suspends; “active” resumes.
    """

    order: str
    item: str
    about: str
    fields: Mapping[str, str]
    characteristics: str
    switch: tuple[str, str]

    def rows(self, user: User) -> Any:
        """Orders of this kind, beyond drafts."""
        seen = Order.objects.visible_to(user).exclude(DRAFTS)
        own = Q(channel=Order.Channel.SERVICE)
        return seen.filter(own) if self.order == "serviceOrder" else seen.exclude(own)

    def cancels(self, user: User) -> QuerySet[CancelRequest]:
        """Requests to cancel such orders."""
        found: QuerySet[CancelRequest] = CancelRequest.objects.filter(order__in=self.rows(user).values("pk"))
        return found.select_related("order")

    def whole(self, body: Json, account: Account, items: list[Item], *, channel: str) -> Asked:
        """An order as a body says it, with items that are read already."""
        return Asked(
            account=account, title=str(body.get("description") or ""), items=items, channel=channel,
            reference=str(body.get("externalId") or ""), requested_on=day(body.get("requestedCompletionDate")),
            contact_id=key(naming.party(body, "contact"), "$.relatedParty"),
            billing_profile_id=key((body.get("billingAccount") or {}).get("id"), "$.billingAccount.id"),
            notes=tuple(note["text"] for note in body.get("note") or () if note.get("text")),
        )  # fmt: skip

    def items(self, body: Json, read: Callable[[Json, str, str], Item]) -> list[Item]:
        """Items with those nested in them, but for what only says that something stays as it is.

        `read` gets an item, its place in the body and its parent's id.
        """
        every = list(self._asked(body[self.item], f"$.{self.item}"))
        relating.require_sound((one[:2] for one in every), f"{self.item}Relationship")
        rows = [one for one in every if not self._stays(*one[:2])]
        if not rows:
            raise invalid(f"$.{self.item}", "Every item says noChange; there is nothing to order.")
        return [read(*row) for row in rows]

    def _stays(self, row: Json, place: str) -> bool:
        """Whether nothing is to be done with an item; it has to say what stays."""
        action = _action(row)
        if action == "noChange" and not (row.get(self.about) or {}).get("id"):
            raise invalid(f"{place}.{self.about}.id", f"Say which installed {self.about} stays as it is.")
        return action == "noChange"

    def _asked(self, rows: list[Json], path: str, above: Json | None = None) -> Iterator[tuple[Json, str, str]]:
        for at, row in enumerate(rows):
            if above and self._is_part(row, above):
                continue
            place = f"{path}[{at}]"
            yield row, place, str(above["id"]) if above else ""
            yield from self._asked(row.get(self.item) or [], f"{place}.{self.item}", row)

    def ending(self, row: Json) -> tuple[str, ...]:
        """Numbers of the installed parts that items below a change name, because they end with it."""
        return tuple(str(one[self.about]["id"]) for one in row.get(self.item) or () if self._is_part(one, row))

    def _is_part(self, row: Json, above: Json) -> bool:
        """Whether an item names a service or resource on which what the item above changes stands."""
        number = str((row.get(self.about) or {}).get("id") or "")
        parts = number.startswith((inventory.Service.PREFIX, inventory.Resource.PREFIX))
        return parts and _action(row) == Action.DELETE and (self.about == "product" or _action(above) == Action.MODIFY)

    def action_of(self, row: Json, place: str) -> str:
        """What an item does; a change that only switches off or on again is an act of its own. Raises ApiError."""
        action, about = _action(row), row.get(self.about) or {}
        if len(about.get("place") or ()) > 1:
            path = f"{place}.{self.about}.place[1]"
            raise ApiError(400, "An item has one place; send an item for each.", [(path, "One place too many.")])
        name, off = self.switch
        word = str(about.get(name) or "").strip()
        if action != Action.MODIFY or word not in (off, "active"):
            return action
        if not about.get(self.characteristics.rpartition(".")[2]):
            return str(Action.SUSPEND if word == off else Action.RESUME)
        if word == off:
            path = f"{place}.{self.about}.{name}"
            raise ApiError(400, "Suspend it by an order of its own.", [(path, "It is changed by this item.")])
        return action

    def path_of(self, name: str, body: Json) -> str:
        """Where in a body a field of a refusal stands."""
        place, _, rest = name.rpartition(":")
        if not place:
            return f"$.{HEAD.get(name, self.item if name in ('items', 'lines') else name)}" if name else "$"
        return f"{place}.{self.fields.get(rest) or f'{self.characteristics}[{rest}].value'}"

    def change(self, pk: int, asked: Change, user: User) -> None:
        """What the order's state still allows; items and the customer are changed by other means."""
        wanted: dict[str, Any] = {}
        for name, value in asked.differing.items():
            if name not in PATCHES:
                raise ApiError(409, self._fixed(name), [(f"$.{name}", "Fixed.")])
            field, read = PATCHES[name]
            wanted[field] = read(value)
        for field, most in (("title", 120), ("their_reference", 60)):
            if len(str(wanted.get(field, ""))) > most:
                raise invalid(f"$.{HEAD[field]}", f"This has at most {most} characters.")
        if wanted:
            editing.edit(order_id=pk, by=user, changes=wanted)

    def _fixed(self, name: str) -> str:
        cancel = f"cancel{self.order[:1].upper()}{self.order[1:]}"
        if name == self.item:
            return "Items of a running order cannot be changed yet. Cancel it, or order the change when it is complete."
        if name == "state":
            return f"A state follows from the work. To cancel, use {cancel}."
        return f"“{name}” of an order cannot be changed."

    def cancel(self, body: Json, user: User) -> int:
        """Ask to cancel an order."""
        number = str(body[self.order]["id"])
        order = self.rows(user).filter(number=number).first()
        if order is None:
            raise ApiError(400, f"There is no order “{number[:40]}”.", [(f"$.{self.order}.id", "Unknown order.")])
        wanted = shapes.moment(str(body.get("requestedCancellationDate") or ""))
        reason = str(body.get("cancellationReason") or "")
        if len(reason) > 300:
            raise invalid("$.cancellationReason", "A reason has at most 300 characters.")
        return cancellation.ask(order_id=order.pk, reason=reason, by=user, wanted_on=wanted).pk

    def cancelling(self) -> Resource:
        """The resource of requests to cancel."""
        name = f"{self.order[:1].upper()}{self.order[1:]}"
        return Resource(
            name=f"cancel{name}", type=f"Cancel{name}", rows=self.cancels, render=shown.cancel, key="key",
            create=self.cancel, path_of=self.path_of, read_key=shapes.key,
            filters={f"{self.order}.id": Filter("order__number"),
                     "requestedCancellationDate": Filter("asked_at", MOMENT)},
        )  # fmt: skip


def _action(row: Json) -> str:
    return str(row["action"]).strip()


def key(text: Any, path: str) -> int | None:
    """The key that an id says. Raises ApiError for what can be none."""
    if not text:
        return None
    if not str(text).isdecimal() or len(str(text)) > 15:
        raise invalid(path, "There is nothing with this id.")
    return int(text)


def day(text: Any) -> dt.date | None:
    """The day here of a moment, None without one."""
    found = shapes.moment(str(text)) if text else None
    return timezone.localtime(found).date() if found else None


def quantity(value: Any) -> int | None:
    """How many, None when nothing is said."""
    return None if value is None else int(value)


def characteristic(name: str, values: list[str]) -> Q:
    """A filter: lines with a characteristic of that name, or with a value that reads so."""
    found = Q()
    for value in values:
        if name.endswith(".name"):
            found |= Q(lines__characteristics__has_key=value)
        else:
            found |= Q(lines__characteristics__values_of=value)
    return found


PATCHES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "description": ("title", lambda value: value or ""),
    "externalId": ("their_reference", lambda value: value or ""),
    "requestedCompletionDate": ("requested_on", day),
    "billingAccount": ("billing_profile", lambda value: key((value or {}).get("id"), "$.billingAccount.id")),
    "relatedParty": ("contact", lambda value: key(naming.party({"relatedParty": value}, "contact"), "$.relatedParty")),
}

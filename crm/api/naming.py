"""How bodies of other systems name our customers."""

from typing import Any

from crm.models import Account
from kernel.models import User
from kernel.rest.errors import ApiError, invalid


def party(body: dict[str, Any], role: str) -> str:
    """The id of the first related party in that role; empty when there is none."""
    for one in body.get("relatedParty") or ():
        if str(one.get("role", "")).lower() == role:
            return str(one["id"])
    return ""


def account_of(body: dict[str, Any], user: User) -> Account:
    """The customer that a body names, or the only one that the caller sees. Raises ApiError."""
    visible = Account.objects.visible_to(user)
    if number := party(body, "customer"):
        found: Account | None = next(iter(visible.filter(number=number)), None)
        if found is None:
            raise ApiError(400, f"There is no customer “{number[:40]}”.", [("$.relatedParty", "Unknown customer.")])
        return found
    own: list[Account] = list(visible.filter(parent=None)[:2])
    if len(own) != 1:
        raise invalid("$.relatedParty", "Say for whom: a related party with the role “customer” and its id.")
    return own[0]

"""Rights: whoever holds the right may make a move on any order, a customer on the orders of the own company."""

from collections.abc import Callable
from typing import Any

from crm.models import Account
from kernel.models import User

OWN = "orders.order_own"


def or_own(permission: str) -> Callable[[Any, Any], bool]:
    """The permission of a transition: held as such, or by a customer for the own account."""

    def may(order: Any, user: Any) -> bool:
        return bool(user.has_perm(permission)) or is_own(order.account_id, user)

    return may


def is_own(account_id: int, user: User) -> bool:
    """Whether a customer who may order sees this account."""
    return user.has_perm(OWN) and Account.objects.visible_to(user).filter(pk=account_id).exists()

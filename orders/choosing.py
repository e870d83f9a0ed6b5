"""Choosing: those of us who look after orders."""

from typing import Any

from kernel import choosing, colleagues
from kernel.models import User


def managers(by: User) -> Any:
    """Order managers, by name."""
    return User.objects.filter(groups__name="order_manager").distinct().order_by("first_name", "last_name")


choosing.register("orders.manager", rows=managers, search=colleagues.SEARCH, label=colleagues.label)

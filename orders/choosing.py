"""Choosing: those of us who look after orders."""

from typing import Any

from django.db.models import Q

from kernel import choosing, colleagues
from kernel.models import User


def managers(by: User, also: int | None = None) -> Any:
    """Order managers, by name, and whoever is it already."""
    found = User.objects.filter(Q(groups__name="order_manager") | Q(pk=also))
    return found.distinct().order_by("first_name", "last_name")


choosing.register("orders.manager", rows=managers, search=colleagues.SEARCH, label=colleagues.label)

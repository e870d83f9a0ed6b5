"""Discount limits: how much each role may take off by hand; more is refused, less may still need an approval."""

from decimal import Decimal

from django.contrib.auth.models import Group

from kernel import decisions
from kernel.models import User
from kernel.money import plain

TABLE = "discount_limit"
WHOLE = Decimal(100)


def problem(percent: Decimal, by: User | None) -> str:
    """Why this person cannot give the discount, and who can; empty when they can."""
    if not percent.is_finite() or not 0 <= percent <= WHOLE:
        return "A discount is between 0 and 100 %."
    limit = limit_for(by)
    if percent <= limit:
        return ""
    ask = decisions.reader(TABLE)
    roles = Group.objects.order_by("name").values_list("name", flat=True)
    others = {role: most for role in roles if ask and (most := _most(ask, role)) is not None and most >= percent}
    who = min(others, key=lambda role: others[role], default="")
    said = f" The role {who.replace('_', ' ')} may give up to {plain(others[who])} %." if who else ""
    return f"Your role may give up to {plain(limit)} %.{said}"


def limit_for(by: User | None) -> Decimal:
    """The highest discount that any role of a person allows; 100 where the table says nothing of them."""
    ask = decisions.reader(TABLE) if by is not None else None
    if by is None or ask is None:
        return WHOLE
    found = [most for role in by.roles if (most := _most(ask, role)) is not None]
    return max(found, default=WHOLE)


def _most(ask: decisions.Reader, role: str) -> Decimal | None:
    row = next(iter(ask({"role": role})), {})
    return Decimal(str(row["most"])) if row.get("most") is not None else None

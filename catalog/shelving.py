"""Shelving: which offerings are put before a partner's system, and nothing else of the catalogue."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from catalog.models import Offering, ShelfEntry
from kernel import audit
from kernel.models import User
from kernel.refusal import Refusal

ANY = ""


def narrowed(rows: Any, user: User | None) -> Any:
    """Offerings that this user may see: all of these rows without a shelf, else those on it; no query of its own."""
    if user is None:
        return rows
    own = ShelfEntry.objects.filter(user=user.pk)
    return rows.filter(~Q(Exists(own)) | Exists(own.filter(key=OuterRef("key"))))


@transaction.atomic
def put(*, user: User, keys: Iterable[str], by: User | None) -> list[str]:
    """The shelf holds exactly these from now on. Raises Refusal for what is not sold."""
    wanted = sorted(set(keys))
    require_sold(wanted)
    before = keys_of(user)
    ShelfEntry.objects.filter(user=user).exclude(key__in=[ANY, *wanted]).delete()
    ShelfEntry.objects.bulk_create([ShelfEntry(user=user, key=key) for key in (ANY, *wanted)], ignore_conflicts=True)
    audit.record("shelf changed", user, by=by, changes={"offerings": [before, wanted]})
    return wanted


def require_sold(keys: Iterable[str]) -> None:
    """Raises Refusal that names an offering which is not sold."""
    wanted = set(keys)
    sold = set(Offering.objects.on_sale().filter(key__in=wanted, sellable=True).values_list("key", flat=True))
    if unknown := sorted(wanted - sold):
        raise Refusal(problems={"offerings": [f"“{unknown[0][:80]}” is not an offering that is sold."]})


def keys_of(user: User) -> list[str]:
    """What is on the shelf."""
    return sorted(ShelfEntry.objects.filter(user=user).exclude(key=ANY).values_list("key", flat=True))


def is_partner(user: User) -> bool:
    """Whether this is a partner's system, which sees its shelf only."""
    return "customer" in user.roles and ShelfEntry.objects.filter(user=user, key=ANY).exists()

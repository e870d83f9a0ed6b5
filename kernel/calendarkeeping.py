"""Calendar keeping: which days count where, changed as a whole."""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction

from kernel import audit
from kernel.models import BusinessCalendar, Holiday, User
from kernel.refusal import Refusal


@dataclass(frozen=True)
class Wanted:
    """A calendar as it should be. Weekdays are 0 (Monday) to 6; `country` is empty or two letters."""

    name: str
    country: str
    weekdays: list[int]
    is_default: bool
    holidays: dict[dt.date, str]


@transaction.atomic
def keep(*, pk: int | None, wanted: Wanted, by: User) -> BusinessCalendar:
    """Store a calendar with its holidays; a new one when `pk` is None. Names stay, for plans refer to them.

    Raises:
        Refusal: the name is taken, the country has a calendar already, or no day of the week counts.
    """
    rows = list(BusinessCalendar.objects.select_for_update().order_by("pk"))
    row = next((r for r in rows if r.pk == pk), None) or BusinessCalendar(name=wanted.name)
    others = [r for r in rows if r.pk != row.pk]
    _require(row, wanted, others)
    before = _said(row)
    if wanted.is_default:
        BusinessCalendar.objects.filter(is_default=True).exclude(pk=row.pk).update(is_default=False)
    row.country, row.weekdays, row.is_default = wanted.country, sorted(wanted.weekdays), wanted.is_default
    row.save()
    row.holidays.all().delete()
    Holiday.objects.bulk_create(Holiday(calendar=row, day=day, name=name) for day, name in wanted.holidays.items())
    audit.record("edited" if pk else "created", row, by=by, changes=audit.difference(before, _said(row)))
    return row


def _require(row: BusinessCalendar, wanted: Wanted, others: list[BusinessCalendar]) -> None:
    problems: dict[str, list[str]] = {}
    if not row.pk and any(other.name == wanted.name for other in others):
        problems["name"] = ["There is a calendar of this name already."]
    taken = next((other for other in others if wanted.country and other.country == wanted.country), None)
    if taken:
        problems["country"] = [f"Work in {wanted.country} counts on “{taken.name}” already."]
    if not wanted.weekdays:
        problems["weekdays"] = ["At least one day of the week has to count."]
    if row.is_default and not wanted.is_default:
        problems["is_default"] = ["Make another calendar the default one instead."]
    if problems:
        raise Refusal(problems=problems)


def _said(row: BusinessCalendar) -> dict[str, object]:
    holidays = row.holidays.order_by("day") if row.pk else []
    return {
        "country": row.country, "weekdays": list(row.weekdays), "is_default": row.is_default,
        "holidays": ", ".join(f"{holiday.day} {holiday.name}" for holiday in holidays),
    }  # fmt: skip

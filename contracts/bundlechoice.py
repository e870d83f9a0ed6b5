"""Choosing what a bundle's line has: its options and choices by their cardinality, refused member by member."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import transaction

from catalog import bundling
from catalog.models import BundleItem, Offering
from contracts import bundlelines, quoting
from contracts.models import QuoteLine
from kernel import audit
from kernel.models import User
from kernel.money import ZERO


@dataclass(frozen=True)
class Choice:
    """One member as the panel offers it; `quantity` is for each bundle, `line_id` its line when it is taken."""

    key: str
    name: str
    quantity: int
    minimum: int
    maximum: int
    line_id: int | None = None
    monthly: Decimal = ZERO
    wrong: bool = False
    problems: list[str] = field(default_factory=list)

    @property
    def settled(self) -> bool:
        """Whether there is nothing to choose."""
        return self.minimum == self.maximum == self.quantity


@dataclass(frozen=True)
class Group:
    """Members that are chosen together; `single` when one of them is taken. Members of no group have no key."""

    key: str
    name: str
    hint: str
    single: bool
    choices: list[Choice]
    problems: list[str] = field(default_factory=list)


def offered(
    line: QuoteLine, chosen: Mapping[str, int] | None = None, problems: Mapping[str, list[str]] | None = None
) -> list[Group]:
    """What the bundle of a line offers: as stored, or as `chosen` when that was refused with `problems`."""
    bundle, problems = _bundle(line.offering_id), problems or {}
    there = {row.offering.key: row for row in bundlelines.below(line.quote)[line.pk]}
    counts = _counts(line, there) if chosen is None else chosen
    found: dict[str, list[Choice]] = {}
    for item in sorted(bundle.items.all(), key=lambda one: (one.position, one.pk or 0)):
        group = item.group.key if item.group else ""
        found.setdefault(group, []).append(_choice(item, counts, there, problems))
    groups = [Group("", "Included", "", False, found[""])] if "" in found else []
    return groups + [
        Group(
            group.key, group.name, _hint(group.minimum, group.maximum), group.minimum == group.maximum == 1,
            found.get(group.key, []), list(problems.get(f"group:{group.key}", ())),
        )
        for group in bundle.groups.all()
    ]  # fmt: skip


@transaction.atomic
def choose(*, line_id: int, chosen: Mapping[str, int], edition: int, by: User | None) -> QuoteLine:
    """Give the line of a bundle these members, key → how many for each bundle; those that stay keep their answers.

    Raises:
        Frozen: the version is no draft.
        EditedMeanwhile: the line is not the one that was shown.
        BadBundle: the choice does not fit the bundle, each problem at its member or group.
    """
    line = quoting.locked_line(line_id)
    if line.edition != edition:
        raise quoting.EditedMeanwhile("Somebody else changed this bundle meanwhile; look at it again.")
    bundle = _bundle(line.offering_id)
    wanted = {key: count for key, count in chosen.items() if count}
    if problems := bundling.problems(bundle, wanted):
        raise bundling.BadBundle(problems=problems)
    rows = bundlelines.below(line.quote)
    there = {row.offering.key: row for row in rows[line.pk]}
    before = _counts(line, there)
    QuoteLine.objects.filter(pk__in=[row.pk for key, row in there.items() if key not in wanted]).delete()
    for key in before.keys() & wanted.keys():
        _resize(rows, there[key], before[key], wanted[key])
    fresh = [member for member in bundling.expand(bundle, wanted) if member.offering.key not in before]
    made = bundlelines.expanded(line.quote, fresh, [line])
    line.edition += 1
    line.save(update_fields=["edition"])
    quoting.settle(line.quote, made, by=by)
    if before != wanted:
        audit.record("configured", line.quote, by=by, changes={"members": [before, wanted]}, reason=str(line))
    return quoting.locked_line(line_id)


def _bundle(offering_id: int) -> Offering:
    found: Offering = Offering.objects.prefetch_related(
        "items__member__specification__characteristics", "items__group", "groups"
    ).get(pk=offering_id)
    return found


def _counts(line: QuoteLine, there: Mapping[str, QuoteLine]) -> dict[str, int]:
    return {key: max(1, row.quantity // max(line.quantity, 1)) for key, row in there.items()}


def _resize(rows: Mapping[int, list[QuoteLine]], top: QuoteLine, before: int, wanted: int) -> None:
    """Bring a member, and what is below it, to another number for each bundle."""
    if before == wanted:
        return
    waiting, changed = [top], []
    while waiting:
        row = waiting.pop()
        row.quantity = max(1, row.quantity * wanted // before)
        changed.append(row)
        waiting += rows.get(row.pk, [])
    QuoteLine.objects.bulk_update(changed, ["quantity"])


def _choice(
    item: BundleItem, counts: Mapping[str, int], there: Mapping[str, QuoteLine], problems: Mapping[str, list[str]]
) -> Choice:
    key, row = item.member.key, there.get(item.member.key)
    optional = bool(item.group_id) or not item.minimum
    return Choice(
        key, item.member.short_name or item.member.name, counts.get(key, 0), 0 if optional else item.minimum,
        item.maximum, row.pk if row else None, row.monthly if row else ZERO, bool(row and row.problems),
        list(problems.get(key, ())),
    )  # fmt: skip


def _hint(low: int, high: int) -> str:
    if low == high:
        return "Choose one" if low == 1 else f"Choose {low}"
    return f"Choose {low} to {high}" if low else f"Up to {high}"

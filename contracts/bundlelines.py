"""Lines of bundles: a line with its members below it, made, kept in step with their bundle, and copied."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from catalog import bundling, configuration
from catalog.bundling import Member
from catalog.models import BundleItem, Offering
from contracts.models import Quote, QuoteLine
from crm.models import Site

OF_WHOLE = ("term_months", "requested_on")  # what members have from the line that they are part of


def new_line(
    quote: Quote, offering: Offering, site: Site | None, position: int, values: dict[str, Any], quantity: int
) -> QuoteLine:
    """An unsaved line with these values over the defaults, its problems noted."""
    specification = offering.specification
    chosen = {**configuration.defaults(specification), **values} if specification else {}
    whose = quote.account_id
    problems = configuration.validate(specification, chosen, complete=True, account_id=whose) if specification else {}
    return QuoteLine(
        quote=quote, key=uuid.uuid4(), position=position, site=site, offering=offering, quantity=quantity,
        characteristics=chosen, problems=problems,
    )  # fmt: skip


def members_of(quote: Quote, offering: Offering, bundles: list[QuoteLine]) -> list[QuoteLine]:
    """The standard members of bundles as stored lines below them, bundles within bundles below those."""
    if offering.kind != Offering.Kind.BUNDLE or not bundles:
        return []
    return expanded(quote, bundling.expand(offering), bundles)


def expanded(quote: Quote, members: Sequence[Member], parents: Sequence[QuoteLine]) -> list[QuoteLine]:
    """Store these members below each of the parents."""
    found: list[QuoteLine] = []
    for member in members:
        made = []
        for parent in parents:
            count = member.quantity * parent.quantity
            line = new_line(quote, member.offering, parent.site, parent.position, dict(member.values), count)
            line.parent = parent
            for name in OF_WHOLE:
                setattr(line, name, getattr(parent, name))
            made.append(line)
        QuoteLine.objects.bulk_create(made)
        found += [*made, *expanded(quote, member.members, made)]
    return found


def below(quote: Quote) -> dict[int, list[QuoteLine]]:
    """Every member line of a quote by the line that it is part of."""
    found: dict[int, list[QuoteLine]] = defaultdict(list)
    rows = QuoteLine.objects.filter(quote=quote, parent__isnull=False).select_related("offering", "site", "feasibility")
    for row in rows.order_by("position", "id"):
        found[row.parent_id or 0].append(row)
    return found


def follow(line: QuoteLine, quantity_before: int) -> list[QuoteLine]:
    """Bring the members of a changed bundle to its quantity, term and requested date; those that changed."""
    there = below(line.quote)
    changed, waiting = [], list(there[line.pk])
    while waiting:
        member = waiting.pop()
        member.quantity = max(1, member.quantity * line.quantity // max(quantity_before, 1))
        for name in OF_WHOLE:
            setattr(member, name, getattr(line, name))
        changed.append(member)
        waiting += there[member.pk]
    QuoteLine.objects.bulk_update(changed, ["quantity", *OF_WHOLE], batch_size=500)
    return changed


def fixed(line: QuoteLine) -> dict[str, Any]:
    """The values that the bundle sets for this member, which nobody changes; {} for a line of its own."""
    if line.parent_id is None:
        return {}
    bundle = QuoteLine.objects.filter(pk=line.parent_id).values("offering")
    item = BundleItem.objects.filter(bundle__in=bundle, member__key=line.offering.key).first()
    return dict(item.presets) if item else {}


def copy_members(source: QuoteLine, targets: Sequence[QuoteLine]) -> list[QuoteLine]:
    """Give these lines the members of another line of the quote; members there keep their keys, others come or go."""
    there = below(source.quote)
    kept: list[QuoteLine] = []
    made: list[QuoteLine] = []
    gone: list[int] = []
    pairs = [(source, target) for target in targets]
    while pairs:
        deeper: list[tuple[QuoteLine, QuoteLine]] = []
        fresh: list[QuoteLine] = []
        for model, target in pairs:
            present = {row.offering_id: row for row in there.get(target.pk or 0, ())}
            for member in there[model.pk]:
                row = present.pop(member.offering_id, None)
                if row is None:
                    row = QuoteLine(quote=source.quote, key=uuid.uuid4(), position=target.position, site=target.site,
                                    offering=member.offering, parent=target)  # fmt: skip
                    fresh.append(row)
                else:
                    row.edition += 1
                    kept.append(row)
                row.characteristics, row.problems = dict(member.characteristics), dict(member.problems)
                row.quantity = member.quantity
                deeper.append((member, row))
            gone += [row.pk for row in present.values()]
        QuoteLine.objects.bulk_create(fresh)
        made += fresh
        pairs = deeper
    QuoteLine.objects.bulk_update(kept, ["characteristics", "problems", "quantity", "edition"], batch_size=500)
    QuoteLine.objects.filter(pk__in=gone).delete()
    return [*kept, *made]

"""Merging: two records of one customer become one; everything of the other goes over, its number leads here."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, InternalError, connection, transaction
from django.db.models import Count, F, Q, Value
from django.db.models.functions import Concat, Substr

from crm import events
from crm.accounts import MAX_DEPTH
from crm.models import Account, BillingProfile, Contact, Site, TeamMember
from kernel import audit, outbox, repointing
from kernel.models import User
from kernel.refusal import Conflict, Refusal

CHOOSABLE = (
    "name", "registration", "vat_number", "industry", "segment", "tier", "owner", "credit_limit", "overdue_amount",
)  # fmt: skip
OWN = (Account, Site, Contact, BillingProfile, TeamMember)  # moved by hand, each with its own rule


class CannotMerge(Conflict):
    """The two are not the same customer, or their records exclude each other."""


@dataclass(frozen=True)
class Choice:
    """A column that differs: what either record says."""

    name: str
    label: str
    keep: str
    other: str


@dataclass(frozen=True)
class Preview:
    """What merging would do: columns to choose from, how much goes over, which codes and contacts change."""

    choices: list[Choice]
    moving: list[tuple[str, int]]
    renamed: list[tuple[str, str]]
    same_people: list[str]
    why_not: str


@dataclass
class Merged:
    """What merging did, by table."""

    account: Account
    moved: dict[str, int] = field(default_factory=dict)


def preview(keep: Account, other: Account) -> Preview:
    """What merging `other` into `keep` would do; nothing is changed."""
    counts = repointing.count(other)
    below = Account.objects.under(other).count() - 1
    moving = [(str(model._meta.verbose_name_plural), n) for model, n in counts.items() if model is not Account]
    if below:
        moving.append(("companies below it", below))
    doubles = [f"{contact}, {contact.email}" for contact, _ in _same_people(keep, other)]
    return Preview(
        choices(keep, other, CHOOSABLE), sorted(moving), _new_codes(keep, other), doubles, _why_not(keep, other)
    )


@transaction.atomic
def merge(*, keep_id: int, other_id: int, by: User | None, take: Collection[str] = ()) -> Merged:
    """Merge `other` into `keep`; `take` names the columns whose value of the other is kept instead.

    Raises:
        CannotMerge: one is above the other, kinds or currencies differ, one was merged before, or a constraint of
            what would go over refuses.
        Refusal: `take` names something that is not a column to choose.
    """
    first, second = Account.objects.locked_all([keep_id, other_id]) if keep_id != other_id else (None, None)
    if first is None or second is None:
        raise CannotMerge("A customer is not merged with itself.")
    keep, other = (first, second) if first.pk == keep_id else (second, first)
    if wrong := set(take) - set(CHOOSABLE):
        raise Refusal(f"There is nothing to choose about {', '.join(sorted(wrong))}.")
    if why_not := _why_not(keep, other):
        raise CannotMerge(why_not)
    try:
        with transaction.atomic():
            moved = _move_over(keep, other)
    except (IntegrityError, InternalError) as error:
        raise CannotMerge(
            f"{keep} and {other} each have something that may exist once: {str(error).splitlines()[0]}"
        ) from error
    before = {name: getattr(keep, name) for name in take}
    after = {name: getattr(other, name) for name in take}
    Account.objects.filter(pk=other.pk).update(
        merged_into=keep, registration="", root=other, path=f"/{other.pk}/", edition=F("edition") + 1
    )
    for name, value in after.items():
        setattr(keep, name, value)
    keep.edition += 1
    keep.save(update_fields=[*after, "edition", "updated_at"])
    audit.record("merged", keep, by=by, changes={"merged": [None, other.number], **audit.difference(before, after)})
    audit.record("merged into another", other, by=by, changes={"merged_into": [None, keep.number]})
    outbox.publish(events.AccountsMerged(account_id=keep.pk, merged_id=other.pk))
    return Merged(keep, moved)


def suspects(user: User, *, limit: int = 100) -> list[tuple[Account, Account, str]]:
    """Pairs of customers that may be the same, with the reason; those said to differ are left out. Two queries."""
    with connection.cursor() as cursor:
        cursor.execute(_SUSPECTS, {"limit": limit * 2})
        pairs = cursor.fetchall()
    keys = {key for first, second, _ in pairs for key in (first, second)}
    seen = Account.objects.visible_to(user).select_related("owner", "parent").in_bulk(keys)
    found = [(seen[first], seen[second], why) for first, second, why in pairs if first in seen and second in seen]
    return found[:limit]


@transaction.atomic
def tell_apart(*, first_id: int, second_id: int, by: User | None) -> None:
    """Say that two customers are not the same; the pair is no longer suggested. Saying it again changes nothing."""
    low, high = sorted((first_id, second_id))
    first = Account.objects.locked(low)
    first.apart_from.add(high)
    audit.record("told apart", first, by=by, changes={"apart_from": [None, str(Account.objects.get(pk=high))]})


def _why_not(keep: Account, other: Account) -> str:
    """Why the two cannot be merged, or nothing."""
    if gone := next((one for one in (keep, other) if one.merged_into_id), None):
        return f"{gone} was merged before."
    if keep.path.startswith(other.path) or other.path.startswith(keep.path):
        return "One of the two stands above the other in the tree."
    if keep.kind != other.kind:
        return f"One is a {keep.get_kind_display().lower()}, the other a {other.get_kind_display().lower()}."
    if keep.currency != other.currency:
        return f"One is kept in {keep.currency}, the other in {other.currency}."
    deepest = max(path.count("/") for path in Account.objects.under(other).values_list("path", flat=True))
    if deepest - other.path.count("/") + keep.path.count("/") > MAX_DEPTH + 1:
        return f"The tree would grow deeper than {MAX_DEPTH} levels."
    return ""


def choices(keep: Any, other: Any, names: Iterable[str]) -> list[Choice]:
    """The columns of two records that differ."""
    return [
        Choice(name, name.replace("_", " ").capitalize(), _said(keep, name), _said(other, name))
        for name in names
        if getattr(keep, name) != getattr(other, name)
    ]


def _said(record: Any, name: str) -> str:
    shown = getattr(record, f"get_{name}_display", None)
    value = shown() if shown else getattr(record, name)
    return str(value) if value not in (None, "") else "empty"


def _move_over(keep: Account, other: Account) -> dict[str, int]:
    """Everything of the other account, the tables with rules of their own first."""
    for old, new in _new_codes(keep, other):
        Site.objects.filter(account=other, code=old).update(code=new)
    for mine, theirs in _same_people(keep, other):
        repointing.repoint(theirs, mine)
        user = theirs.user if mine.user_id is None else None
        theirs.delete()
        if user:
            Contact.objects.filter(pk=mine.pk).update(user=user)
    if keep.billing_profiles.filter(is_default=True).exists():
        other.billing_profiles.update(is_default=False)
    standing = keep.team.values_list("user", "role")
    doubles = [Q(user=user, role=role) for user, role in standing]
    if doubles:
        other.team.filter(_any(doubles)).delete()
    Account.apart_from.through.objects.filter(Q(from_account=other) | Q(to_account=other)).delete()
    other.children.update(parent=keep)
    below = Account.objects.under(other).exclude(pk=other.pk)
    below.update(root=keep.root_id, path=Concat(Value(keep.path), Substr("path", len(other.path) + 1)))
    moved = repointing.repoint(other, keep, but=(Account,))
    return {str(model._meta.verbose_name_plural): n for model, n in moved.items()}


def _any(conditions: Iterable[Q]) -> Q:
    found = Q()
    for condition in conditions:
        found |= condition
    return found


def _same_people(keep: Account, other: Account) -> list[tuple[Contact, Contact]]:
    """(Contact of keep, contact of other) with the same address in the same role."""
    mine = {(contact.email.lower(), contact.role): contact for contact in keep.contacts.all()}
    theirs = other.contacts.select_related("user")
    return [(mine[who], contact) for contact in theirs if (who := (contact.email.lower(), contact.role)) in mine]


def _new_codes(keep: Account, other: Account) -> list[tuple[str, str]]:
    """Codes of the other's sites that keep has too, and what they become."""
    taken = set(Site.objects.filter(account__in=(keep, other)).values_list("code", flat=True))
    both = Site.objects.filter(account__in=(keep, other)).values("code").annotate(n=Count("pk")).filter(n__gt=1)
    found = []
    for code in both.order_by("code").values_list("code", flat=True):
        new = next(new for n in range(2, 1000) if (new := f"{code[:16]}-{n}") not in taken)
        taken.add(new)
        found.append((code, new))
    return found


_SUSPECTS = r"""
WITH named AS (
    SELECT id, path, currency, kind, vat_number,
        regexp_replace(
            regexp_replace(lower(name), '[.,]', '', 'g'),
            '(\s+(ag|bv|gmbh|inc|kg|llc|ltd|nv|sa|sarl|se|srl|sro|plc|co|ab|as|oy))+$', ''
        ) AS bare
    FROM crm_account WHERE merged_into_id IS NULL
), mailed AS (
    SELECT DISTINCT account_id, lower(email) AS email FROM crm_contact WHERE role <> 'site'
), pairs AS (
    SELECT a.id AS first, b.id AS second, 1 AS rank, 'same VAT number' AS why
    FROM named a JOIN named b ON a.vat_number = b.vat_number AND a.id < b.id WHERE a.vat_number <> ''
    UNION ALL
    SELECT a.id, b.id, 2, 'same name' FROM named a JOIN named b ON a.bare = b.bare AND a.id < b.id
    UNION ALL
    SELECT a.account_id, b.account_id, 3, 'same contact ' || a.email
    FROM mailed a JOIN mailed b ON a.email = b.email AND a.account_id < b.account_id
)
SELECT DISTINCT ON (rank, a.id, b.id) pairs.first, pairs.second, pairs.why
FROM pairs JOIN named a ON a.id = pairs.first JOIN named b ON b.id = pairs.second
WHERE a.kind = b.kind AND a.currency = b.currency
    AND a.path NOT LIKE b.path || '%%' AND b.path NOT LIKE a.path || '%%'
    AND NOT EXISTS (
        SELECT 1 FROM crm_account_apart_from apart WHERE apart.from_account_id = a.id AND apart.to_account_id = b.id
    )
    AND NOT EXISTS (
        SELECT 1 FROM pairs surer WHERE surer.first = a.id AND surer.second = b.id AND surer.rank < pairs.rank
    )
ORDER BY rank, a.id, b.id LIMIT %(limit)s
"""

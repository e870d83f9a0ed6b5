"""Merging contacts: two records of one person become one; what was signed, by whom and when stays as it is."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import IntegrityError, InternalError, connection, transaction
from django.db.models import F, Q

from crm.merging import CannotMerge, Choice, choices
from crm.models import Contact
from kernel import audit, repointing
from kernel.models import User
from kernel.refusal import Refusal

CHOOSABLE = ("first_name", "last_name", "email", "phone", "job_title", "role")


@dataclass(frozen=True)
class Preview:
    """What merging would do: columns to choose from, how much goes over, and what to know before."""

    choices: list[Choice]
    moving: list[tuple[str, int]]
    notes: list[str]
    why_not: str


def preview(keep: Contact, other: Contact) -> Preview:
    """What merging `other` into `keep` would do; nothing is changed."""
    moving = [(str(model._meta.verbose_name_plural), n) for model, n in repointing.count(other).items()]
    return Preview(choices(keep, other, CHOOSABLE), sorted(moving), _notes(keep, other), _why_not(keep, other))


@transaction.atomic
def merge(*, keep_id: int, other_id: int, by: User | None, take: Collection[str] = ()) -> Contact:
    """Merge `other` into `keep`; `take` names the columns whose value of the other is kept instead.

    Names, addresses and times that a signature was given with are columns of the signature, so they stay.

    Raises:
        CannotMerge: they are people of two customers, or both have a log-in.
        Refusal: `take` names no column to choose, or a third contact has this address in this role already.
    """
    first, second = Contact.objects.locked_all([keep_id, other_id]) if keep_id != other_id else (None, None)
    if first is None or second is None:
        raise CannotMerge("A contact is not merged with itself.")
    keep, other = (first, second) if first.pk == keep_id else (second, first)
    if wrong := set(take) - set(CHOOSABLE):
        raise Refusal(f"There is nothing to choose about {', '.join(sorted(wrong))}.")
    if why_not := _why_not(keep, other):
        raise CannotMerge(why_not)
    before, after = ({name: getattr(one, name) for name in take} for one in (keep, other))
    gone, user = f"{other}, {other.email}", keep.user_id or other.user_id
    try:
        with transaction.atomic():
            repointing.repoint(other, keep)
            other.delete()
            Contact.objects.filter(pk=keep.pk).update(**after, user=user, edition=F("edition") + 1)
    except (IntegrityError, InternalError) as error:
        raise CannotMerge(
            f"{keep.account} has a third contact with this address in this role; merge that one first."
        ) from error
    changes = {"merged": [None, gone], **audit.difference(before, after)}
    audit.record("merged", keep, by=by, changes=changes)
    for account in {keep.account, other.account}:
        audit.record("contacts merged", account, by=by, changes={"contact": [gone, str(keep)]})
    merged: Contact = Contact.objects.select_related("account").get(pk=keep.pk)
    return merged


def others(contact: Contact, text: str = "") -> list[Contact]:
    """Contacts of the same customer who may be the same person, those with the same name or address first."""
    rows = Contact.objects.filter(account__root=contact.account.root_id).exclude(pk=contact.pk)
    for word in text.split()[:5]:
        rows = rows.filter(Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(email__icontains=word))
    alike = Q(email__iexact=contact.email) | Q(last_name__iexact=contact.last_name)
    near = rows.filter(alike).select_related("account").order_by("last_name", "first_name", "pk")
    far = rows.exclude(alike).select_related("account").order_by("last_name", "first_name", "pk")
    return [*near[:20], *far[:20]][:20]


def suspects(user: User, *, limit: int = 50) -> list[tuple[Contact, Contact]]:
    """Pairs at one customer with the same name and different addresses, which are often one person; whoever opens the
    door of a site is left out. Two queries."""
    with connection.cursor() as cursor:
        cursor.execute(_SUSPECTS, {"limit": limit * 2})
        pairs = cursor.fetchall()
    keys = {key for pair in pairs for key in pair}
    seen = Contact.objects.visible_to(user).select_related("account").in_bulk(keys)
    return [(seen[one], seen[other]) for one, other in pairs if one in seen and other in seen][:limit]


def _why_not(keep: Contact, other: Contact) -> str:
    """Why the two cannot be merged, or nothing."""
    if keep.account.root_id != other.account.root_id:
        return (
            f"{keep} is with {keep.account}, {other} with {other.account}, another customer. Merge the two customers "
            "first if they are one; else somebody would see what is another customer’s."
        )
    if keep.user_id and other.user_id:
        return "Both use the portal, each with a log-in of their own. Take the portal away from one of them first."
    return ""


def _notes(keep: Contact, other: Contact) -> list[str]:
    """What to know before the two become one."""
    found = []
    if other.user_id and not keep.user_id:
        found.append(f"{other} uses the portal; the log-in goes over and sees what it saw before.")
    if other.account_id != keep.account_id:
        found.append(f"The contact stands at {keep.account} afterwards, no longer at {other.account}.")
        if not Contact.objects.filter(account=other.account_id).exclude(pk=other.pk).exists():
            found.append(f"{other.account} then has no contact, which a quote asks for.")
    return found


_SUSPECTS = """
SELECT a.id, b.id
FROM crm_contact a JOIN crm_account at ON at.id = a.account_id
JOIN crm_contact b ON lower(a.last_name) = lower(b.last_name) AND lower(a.first_name) = lower(b.first_name)
    AND a.id < b.id AND lower(a.email) <> lower(b.email)
JOIN crm_account bt ON bt.id = b.account_id AND bt.root_id = at.root_id
WHERE a.role <> 'site' AND b.role <> 'site'
ORDER BY a.last_name, a.first_name, a.id, b.id LIMIT %(limit)s
"""

"""Capture: a lead is written down with what they want, and likely doubles are pointed out while typing."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Func, Q, TextField, Value
from django.db.models.functions import Lower

from crm.models import Account, Contact, Lead, LeadLine
from kernel import audit, editing, lifecycle, repointing
from kernel.models import User
from kernel.refusal import Conflict, Refusal

LIKELY = 5  # doubles shown
FILLABLE = ("company", "first_name", "phone", "job_title", "territory", "country")
LEGAL_FORMS = {
    "ab", "ag", "as", "bv", "co", "gmbh", "inc", "kg", "llc", "ltd", "nv", "oy", "plc", "sa", "sarl", "se", "srl",
    "sro",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """What they might want: an offering, or words, and how many."""

    offering_id: int | None = None
    description: str = ""
    quantity: int = 1


@dataclass(frozen=True)
class Double:
    """A record that may be the same party, and why it is thought so. `kind` is lead, contact or account."""

    kind: str
    pk: int
    number: str
    name: str
    detail: str
    because: str


class Unreachable(Refusal):
    """The lead says nothing about whom or what."""


@transaction.atomic
def capture(*, by: User | None, lines: Iterable[Line] = (), **fields: Any) -> Lead:
    """Write down a lead, owned by whoever captures it unless `owner` says otherwise. `fields` are columns of Lead.

    Raises:
        Unreachable: name, e-mail or need is missing, each at its field; or a line says nothing.
    """
    _require(fields)
    lines = list(lines)
    _require_lines(lines)
    fields.setdefault("owner", by)
    lead = Lead(**{name: value.strip() if isinstance(value, str) else value for name, value in fields.items()})
    lead.email = lead.email.lower()
    lead.save()
    _write_lines(lead, lines)
    audit.record("captured", lead, by=by, changes={"state": [None, lead.state], "source": [None, lead.source]})
    return lead


@transaction.atomic
def change(*, lead_id: int, edition: int, by: User | None, lines: Iterable[Line] | None = None, **fields: Any) -> Lead:
    """Correct a lead that was shown at `edition`; `lines` replace those that stand.

    Raises:
        Conflict: the lead was converted, or somebody else changed it meanwhile (`kernel.editing.Changed`).
        Unreachable: as in `capture`.
    """
    lead = Lead.objects.locked(lead_id)
    if why := why_not(lead):
        raise Conflict(why)
    _require({"last_name": lead.last_name, "email": lead.email, "need": lead.need, **fields})
    wanted = None if lines is None else list(lines)
    _require_lines(wanted or [])
    changed = editing.edit(Lead, lead_id, edition=edition, values=fields, by=by)
    if wanted is not None:
        _replace_lines(changed, wanted, by, stale=lead.edition != edition)
    return changed


@transaction.atomic
def absorb(*, lead_id: int, other_id: int, by: User | None) -> Lead:
    """Let a lead take over what another lead of the same person says; the other is put aside as its double.

    Lines, comments and files go over, empty columns are filled, the other's need is added.

    Raises:
        Conflict: one of the two was converted, the other is put aside or qualified already, or they are one lead.
        NotPermitted: the person may not move leads.
    """
    if lead_id == other_id:
        raise Conflict("A lead is no double of itself.")
    leads: dict[int, Lead] = {lead.pk: lead for lead in Lead.objects.locked_all([lead_id, other_id])}
    keep, other = leads[lead_id], leads[other_id]
    if keep.state in (Lead.State.CONVERTED, Lead.State.DISQUALIFIED):
        raise Conflict(f"This lead is {keep.state}; it takes over nothing.")
    because = f"Double of {keep.number}"
    lifecycle.move(other, Lead.disqualify, by=by, reason=because, because=because)
    taken = {name: getattr(other, name) for name in FILLABLE if not getattr(keep, name) and getattr(other, name)}
    if other.need not in keep.need:
        taken["need"] = f"{keep.need}\n\n{other.need}"
    before = {name: getattr(keep, name) for name in taken}
    for name, value in taken.items():
        setattr(keep, name, value)
    keep.edition += 1
    keep.save(update_fields=[*taken, "edition", "updated_at"])
    repointing.repoint(other, keep)
    audit.record(
        "double taken over", keep, by=by, changes={"double": [None, other.number], **audit.difference(before, taken)}
    )
    return keep


def doubles(
    user: User, *, company: str = "", email: str = "", last_name: str = "", but_lead: int | None = None
) -> list[Double]:
    """Leads, contacts and accounts that may be the same party, surest first, only what the user may see; 3 queries."""
    email, company, last_name = email.strip().lower(), bare(company), last_name.strip()
    if len(email) < 5 and len(company) < 3:
        return []
    found = [*_accounts(user, company), *_contacts(user, email), *_leads(user, email, company, last_name, but_lead)]
    return sorted(found, key=lambda double: double.because != "same e-mail")[:LIKELY]


def _require(fields: dict[str, Any]) -> None:
    wanted = {
        "last_name": "Whom did you speak to?",
        "email": "How do we answer?",
        "need": "What do they want to achieve?",
    }
    problems = {name: [question] for name, question in wanted.items() if not str(fields.get(name) or "").strip()}
    if not 0 <= int(fields.get("score") or 0) <= 100:
        problems["score"] = ["A score is between 0 and 100."]
    if problems:
        raise Unreachable(problems=problems)


def _require_lines(lines: list[Line]) -> None:
    for at, line in enumerate(lines, 1):
        if line.offering_id is None and not line.description.strip():
            raise Unreachable(problems={"lines": [f"Line {at}: choose an offering or say it in words."]})
        if line.quantity < 1:
            raise Unreachable(problems={"lines": [f"Line {at}: the quantity is at least 1."]})


def _write_lines(lead: Lead, lines: list[Line]) -> None:
    LeadLine.objects.bulk_create(
        LeadLine(
            lead=lead, offering_id=line.offering_id, description=line.description.strip()[:160], quantity=line.quantity
        )
        for line in lines
    )


def _replace_lines(lead: Lead, lines: list[Line], by: User | None, *, stale: bool) -> None:
    rows = lead.lines.order_by("pk").select_related("offering")
    standing = [Line(row.offering_id, row.description, row.quantity) for row in rows]
    if standing == lines:
        return
    if stale:
        said = ", ".join(f"{row.quantity} × {row}" for row in rows) or "no lines"
        raise editing.Changed(lead, [editing.Difference("lines", "Lines", said, f"{len(lines)} lines")])
    lead.lines.all().delete()
    _write_lines(lead, lines)
    lead.edition += 1
    lead.save(update_fields=["edition", "updated_at"])
    audit.record("lines_changed", lead, by=by, changes={"lines": [len(standing), len(lines)]})


def why_not(lead: Lead) -> str:
    """Why a lead takes no corrections, if it does not."""
    if lead.state == Lead.State.CONVERTED:
        return "This lead was converted; change the account or the opportunity instead."
    return ""


def bare(company: str) -> str:
    """The name without legal form and punctuation: Meridor Logistics B.V. → meridor logistics."""
    words = company.lower().replace(".", "").replace(",", " ").split()
    while len(words) > 1 and words[-1] in LEGAL_FORMS:
        words.pop()
    return " ".join(words)


def bare_name() -> Func:
    """The same of an account's name, worked out by the database."""
    plain = Func(Lower("name"), Value("[.,]"), Value(""), Value("g"), function="regexp_replace")
    forms = rf"(\s+({'|'.join(sorted(LEGAL_FORMS))}))+$"
    return Func(plain, Value(forms), Value(""), function="regexp_replace", output_field=TextField())


def _accounts(user: User, company: str) -> Iterable[Double]:
    if len(company) < 3:
        return
    rows = Account.objects.visible_to(user).filter(name__icontains=company).order_by("path")[:LIKELY]
    for row in rows:
        yield Double("account", row.pk, row.number, row.name, row.get_kind_display(), "similar name")


def _contacts(user: User, email: str) -> Iterable[Double]:
    if "@" not in email:
        return
    rows = Contact.objects.visible_to(user).filter(email__iexact=email).select_related("account")[:LIKELY]
    for row in rows:
        yield Double(
            "contact", row.account_id, row.account.number, str(row), f"contact of {row.account}", "same e-mail"
        )


def _leads(user: User, email: str, company: str, last_name: str, but: int | None) -> Iterable[Double]:
    same = Q(email__iexact=email) if "@" in email else Q()
    if len(company) >= 3:
        same |= Q(company__icontains=company)
    if not same:
        return
    rows = Lead.objects.visible_to(user).filter(same).exclude(pk=but).order_by("-created_at")[:LIKELY]
    for row in rows:
        because = "same e-mail" if row.email.lower() == email else "same person" if (
            last_name and row.last_name.lower() == last_name.lower()
        ) else "similar company"  # fmt: skip
        yield Double("lead", row.pk, row.number, row.company or row.person, f"lead, {row.get_state_display()}", because)

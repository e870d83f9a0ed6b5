"""Lead import: a file of leads is checked row by row, the good rows go in at once, and the whole can be undone."""

from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from catalog.models import Offering
from crm import capture, countries
from crm.models import Account, Contact, Lead, LeadImport, LeadLine
from kernel import audit, csvfile, documents, numbering, sheets
from kernel.models import Comment, Document, User
from kernel.refusal import Conflict

KIND = "lead_import"
REQUIRED = ("last_name", "email", "need")
TEXTS = ("company", "first_name", *REQUIRED, "phone", "job_title", "source", "territory")
KNOWN = (
    "company", "first_name", "last_name", "job_title", "email", "phone", "need", "source", "rating", "score",
    "territory", "country", "offering", "description", "quantity",
)  # fmt: skip
LENGTHS: dict[str, int] = {name: getattr(Lead._meta.get_field(name), "max_length", 0) or 4000 for name in TEXTS}
FREE = tuple(name for name in KNOWN if name not in ("phone", "score", "quantity"))
NEW, DOUBLE, BAD = "new", "double", "bad"


@dataclass
class Row(csvfile.Checked):
    """One row of the file: `values` are columns of Lead, `line` what they might want, `known_as` whom it repeats."""

    number: int
    cells: dict[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    line: capture.Line | None = None
    known_as: str = ""

    @property
    def verdict(self) -> str:
        """new, double (we have this person or company already) or bad."""
        if self.problems:
            return BAD
        return DOUBLE if self.known_as else NEW


@dataclass
class Rows:
    """A file as checked; nothing is stored yet."""

    columns: tuple[str, ...]
    rows: list[Row]

    def of(self, *verdicts: str) -> list[Row]:
        """Rows with these verdicts."""
        return [row for row in self.rows if row.verdict in verdicts]


@dataclass(frozen=True)
class Undone:
    """What undoing did: leads taken out, and those that stay because somebody worked on them."""

    removed: int
    kept: list[Lead]


def read(content: bytes, user: User) -> Rows:
    """Check a file; doubles are told apart among what the user may see. Four queries whatever its size.

    Raises:
        Unreadable: the file as a whole cannot be taken (size, encoding, columns, row count).
    """
    file = sheets.parse(content, known=KNOWN, required=REQUIRED)
    names = {record.cells.get("offering", "").lower() for record in file.records} - {""}
    offerings = _offerings(names) if names else {}
    rows = [_checked(record, offerings) for record in file.records]
    _mark_repeated(rows)
    _mark_known(rows, user)
    return Rows(tuple(name for name in file.columns if name in KNOWN), rows)


@transaction.atomic
def start(content: bytes, *, name: str, by: User) -> LeadImport:
    """Keep a readable file to be looked at before it is applied. Raises Unreadable."""
    rows = read(content, by)
    made = LeadImport(name=documents.clean_name(name), started_by=by, row_count=len(rows.rows))
    made.save()
    documents.store(made, kind=KIND, name=name, content=content, content_type=sheets.media_type(content), by=by)
    return made


def rows_of(made: LeadImport, user: User) -> Rows:
    """The rows of a kept file, checked against what is stored now."""
    kept: Document = documents.of(made).get(kind=KIND)
    with kept.file.open("rb") as file:
        return read(file.read(), user)


@transaction.atomic
def apply(*, import_id: int, by: User, doubles: bool = False) -> LeadImport:
    """Store the new rows, with `doubles` also those that repeat somebody, owned by whoever imports; set-based.

    Raises:
        Conflict: the file was applied already, or it holds no row to store.
    """
    made: LeadImport = LeadImport.objects.locked(import_id)
    if made.applied_at:
        raise Conflict("This file was imported already.")
    wanted = rows_of(made, by).of(NEW, DOUBLE) if doubles else rows_of(made, by).of(NEW)
    if not wanted:
        raise Conflict("There is no row to import.")
    numbers = numbering.take_many(Lead.PREFIX, len(wanted))
    leads = [
        Lead(number=number, owner=by, came_with=made, **row.values) for number, row in zip(numbers, wanted, strict=True)
    ]
    Lead.objects.bulk_create(leads, batch_size=500)
    LeadLine.objects.bulk_create(
        [
            LeadLine(
                lead=lead,
                offering_id=row.line.offering_id,
                description=row.line.description,
                quantity=row.line.quantity,
            )
            for lead, row in zip(leads, wanted, strict=True)
            if row.line
        ],
        batch_size=500,
    )
    audit.record_many("captured", leads, by=by, changes={"state": [None, Lead.State.NEW], "file": [None, made.name]})
    made.applied_at, made.added_count = timezone.now(), len(leads)
    made.save(update_fields=["applied_at", "added_count", "updated_at"])
    return made


@transaction.atomic
def undo(*, import_id: int, by: User) -> Undone:
    """Take out the leads of a file that nobody has touched since; the others stay and are named.

    Raises:
        Conflict: the file was not applied, or is undone already.
    """
    made: LeadImport = LeadImport.objects.locked(import_id)
    if not made.applied_at:
        raise Conflict("This file was not imported, so there is nothing to undo.")
    if made.undone_at:
        raise Conflict("This import is undone already.")
    leads: list[Lead] = Lead.objects.locked_all(made.leads.values_list("pk", flat=True))
    spoken_of = _spoken_of([lead.pk for lead in leads])
    untouched = [
        lead for lead in leads if lead.state == Lead.State.NEW and lead.edition == 1 and lead.pk not in spoken_of
    ]
    audit.record_many("import undone", untouched, by=by, changes={"file": [made.name, None]})
    Lead.objects.filter(pk__in=[lead.pk for lead in untouched]).delete()
    LeadImport.objects.filter(pk=made.pk).update(undone_at=timezone.now(), edition=F("edition") + 1)
    removed = {lead.pk for lead in untouched}
    return Undone(len(untouched), [lead for lead in leads if lead.pk not in removed])


def error_file(rows: Rows) -> str:
    """The refused rows as CSV with their line and problems, ready to be mended and sent again."""
    return csvfile.error_file(rows.columns, ((row.number, row.cells, row.sentences) for row in rows.of(BAD)))


def _spoken_of(keys: list[int]) -> set[int]:
    """Leads with a comment or a file."""
    label = Lead._meta.label_lower
    rows = (model.objects.filter(subject_type=label, subject_id__in=keys) for model in (Comment, Document))
    return {key for found in rows for key in found.values_list("subject_id", flat=True)}


def _offerings(names: set[str]) -> dict[str, int]:
    """Offerings that can be sold, by key and by name in lower case."""
    sold = Offering.objects.filter(state="active", sellable=True).annotate(lower=Lower("name"))
    found: dict[str, int] = {}
    for pk, key, lower in sold.filter(Q(lower__in=names) | Q(key__in=names)).values_list("pk", "key", "lower"):
        found[key], found[lower] = pk, pk
    return found


def _checked(record: sheets.Record, offerings: dict[str, int]) -> Row:
    row = Row(record.line, record.cells)
    if record.surplus:
        row.refuse("", f"The row has {record.surplus} cells more than the head; quote texts that hold the delimiter.")
    for name in FREE:
        if problem := csvfile.formula_problem(name, record.cells.get(name, "")):
            row.refuse(name, problem)
    cells = {name: csvfile.plain(cell) for name, cell in record.cells.items()}
    _check_texts(row, cells)
    _check_worth(row, cells)
    _check_line(row, cells, offerings)
    return row


def _check_texts(row: Row, cells: dict[str, str]) -> None:
    for name in TEXTS:
        value = cells.get(name, "")
        if name in REQUIRED and not value:
            row.refuse(name, f"“{name}” is empty.")
        elif len(value) > LENGTHS[name]:
            row.refuse(name, f"“{name}” has {len(value)} characters; at most {LENGTHS[name]} fit.")
        if value or name != "source":
            row.values[name] = value
    email = row.values["email"] = cells.get("email", "").lower()
    try:
        validate_email(email or "a@b.example")
    except ValidationError:
        row.refuse("email", f"“{email[:60]}” is no e-mail address.")
    if wanted := cells.get("country", ""):
        country = countries.code_of(wanted)
        if country is None:
            row.refuse("country", f"“{wanted[:40]}” is no country; use a code such as NL.")
        row.values["country"] = country or ""


def _check_worth(row: Row, cells: dict[str, str]) -> None:
    if rating := cells.get("rating", "").lower():
        if rating not in Lead.Rating.values:
            row.refuse("rating", f"“{rating[:20]}” is no rating; use {', '.join(Lead.Rating.values)}.")
        row.values["rating"] = rating
    if score := cells.get("score", ""):
        row.values["score"] = _whole(row, "score", score, 0, 100)


def _check_line(row: Row, cells: dict[str, str], offerings: dict[str, int]) -> None:
    wanted, words = cells.get("offering", ""), cells.get("description", "")
    if not wanted and not words:
        return
    offering = offerings.get(wanted.lower())
    if wanted and offering is None:
        row.refuse("offering", f"“{wanted[:60]}” is not an offering that is sold; use its name or key.")
    if len(words) > 160:
        row.refuse("description", f"“description” has {len(words)} characters; at most 160 fit.")
    row.line = capture.Line(offering, words[:160], _whole(row, "quantity", cells.get("quantity") or "1", 1, 100_000))


def _whole(row: Row, name: str, text: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 7 or not least <= int(text) <= most:
        row.refuse(name, f"“{name}” is a whole number from {least} to {most:,}, not “{text[:20]}”.")
        return least
    return int(text)


def _mark_repeated(rows: list[Row]) -> None:
    seen: dict[str, int] = {}
    for row in rows:
        first = seen.setdefault(row.values["email"], row.number)
        if row.values["email"] and first != row.number:
            row.refuse("email", f"Line {first} has the address {row.values['email'][:60]} too.")


def _mark_known(rows: list[Row], user: User) -> None:
    """Say whom a row repeats: a contact or lead with the address, or a customer of that name."""
    emails = {row.values["email"] for row in rows} - {""}
    companies = {capture.bare(row.values["company"]) for row in rows} - {""}
    known: dict[str, str] = {}
    accounts = Account.objects.visible_to(user).annotate(bare=capture.bare_name()).filter(bare__in=companies)
    for bare, number in accounts.values_list("bare", "number"):
        known[bare] = f"customer {number}"
    leads = Lead.objects.visible_to(user).annotate(lower=Lower("email")).filter(lower__in=emails)
    for lower, number in leads.values_list("lower", "number"):
        known[lower] = f"lead {number}"
    contacts = Contact.objects.visible_to(user).filter(email__in=emails).select_related("account")
    for contact in contacts:
        known[contact.email.lower()] = f"contact of {contact.account}"
    for row in rows:
        row.known_as = known.get(row.values["email"]) or known.get(capture.bare(row.values["company"]), "")

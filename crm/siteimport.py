"""Site import: a file of sites is checked row by row, what is good goes in, what is not comes back with its reason."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from crm import countries, sitefile
from crm.models import Account, Contact, Site
from crm.sitefile import PRODUCT_COLUMNS
from crm.uniqueness import said_at_its_field
from kernel import audit, csvfile, sheets
from kernel.csvfile import MAX_ROWS, Unreadable
from kernel.models import User

__all__ = ["MAX_ROWS", "Applied", "Row", "Rows", "Unreadable", "apply", "error_file", "read"]

TEXTS = ("code", "name", "street", "postcode", "city")
LENGTHS: dict[str, int] = {name: getattr(Site._meta.get_field(name), "max_length", 0) for name in TEXTS}
FREE = ("account", *TEXTS, "contact_name", "contact_email", *PRODUCT_COLUMNS)  # no cell of these begins like a formula
NEW, UPDATE, SAME, BAD = "new", "update", "same", "bad"


@dataclass
class Row(csvfile.Checked):
    """One row of the file. `values` are columns of Site, `contact` the on-site person, `product` the optional
    bandwidth, size and firewall as typed, for whoever configures products. `changes` is field → [stored, in the file].
    """

    line: int
    cells: dict[str, str]
    account: Account | None = None
    values: dict[str, Any] = field(default_factory=dict)
    contact: dict[str, str] = field(default_factory=dict)
    product: dict[str, str] = field(default_factory=dict)
    site_id: int | None = None
    changes: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """new, update (the account has this code with other values), same, or bad."""
        if self.problems:
            return BAD
        if self.site_id is None:
            return NEW
        return UPDATE if self.changes else SAME


@dataclass
class Rows:
    """A file as checked against an account tree; nothing is stored yet."""

    columns: tuple[str, ...]
    rows: list[Row]

    def of(self, *verdicts: str) -> list[Row]:
        """Rows with these verdicts."""
        return [row for row in self.rows if row.verdict in verdicts]

    @property
    def good(self) -> list[Row]:
        """Rows without a problem."""
        return self.of(NEW, UPDATE, SAME)

    @property
    def bad(self) -> list[Row]:
        """Rows with problems."""
        return self.of(BAD)


@dataclass(frozen=True)
class Applied:
    """What an import did. `sites` are all sites that the good rows name, by line."""

    created: int
    updated: int
    unchanged: int
    refused: int
    sites: dict[int, Site]


def read(content: bytes, account: Account) -> Rows:
    """Check a file against the tree of an account; a row without an account belongs to the given one. Three queries.

    Raises:
        Unreadable: the file as a whole cannot be taken (size, encoding, columns, row count).
    """
    file = sitefile.parse(content)
    return checked(file.columns, file.records, account)


def checked(columns: Iterable[str], records: Iterable[sheets.Record], account: Account) -> Rows:
    """The same for records that were read elsewhere, their cells named by our columns."""
    tree = list(Account.objects.filter(root_id=account.root_id).order_by("path"))
    by_name = {member.name.lower(): member for member in tree} | {member.number.lower(): member for member in tree}
    rows = [_checked(record, account, by_name) for record in records]
    _mark_doubles(rows)
    _mark_standing(rows, tree)
    return Rows(tuple(name for name in columns if name in sitefile.KNOWN), rows)


@transaction.atomic
def apply(account: Account, rows: Rows, *, by: User | None, update: bool = False) -> Applied:
    """Store the good rows: new sites with their on-site contacts, and with `update` the changed ones too; set-based.

    Raises:
        Duplicate: somebody added one of these codes since the file was read; read it again.
    """
    fresh = rows.of(NEW)
    changed = rows.of(UPDATE) if update else []
    Account.objects.locked_all([row.account.pk for row in [*fresh, *changed] if row.account])
    contacts = _contacts([*fresh, *changed])
    made = [Site(account=row.account, contact=contacts.get(_who(row)), **row.values) for row in fresh]
    with said_at_its_field():
        Site.objects.bulk_create(made, batch_size=500)
    standing = {site.pk: site for site in Site.objects.filter(pk__in=[row.site_id for row in rows.good if row.site_id])}
    _update([(standing[row.site_id], row) for row in changed if row.site_id in standing], contacts)
    if fresh or changed:
        counts = {"sites created": [0, len(made)], "sites updated": [0, len(changed)]}
        audit.record("sites imported", account, by=by, changes=counts)
    sites = {row.line: site for row, site in zip(fresh, made, strict=True)}
    sites |= {row.line: standing[row.site_id] for row in rows.of(UPDATE, SAME) if row.site_id in standing}
    unchanged = len(rows.good) - len(fresh) - len(changed)
    return Applied(len(made), len(changed), unchanged, len(rows.bad), sites)


def error_file(rows: Rows) -> str:
    """The refused rows as CSV with their line and problems, ready to be mended and sent again."""
    return csvfile.error_file(rows.columns, ((row.line, row.cells, row.sentences) for row in rows.bad))


def _checked(record: sheets.Record, account: Account, by_name: dict[str, Account]) -> Row:
    row = Row(record.line, record.cells)
    if record.surplus:
        row.refuse("", f"The row has {record.surplus} cells more than the head; quote texts that hold the delimiter.")
    for name in FREE:
        if problem := csvfile.formula_problem(name, record.cells.get(name, "")):
            row.refuse(name, problem)
    cells = {name: csvfile.plain(cell) for name, cell in record.cells.items()}
    wanted = cells.get("account", "")
    row.account = by_name.get(wanted.lower()) if wanted else account
    if row.account is None:
        row.refuse("account", f"“{wanted[:60]}” is not an account of {account}’s tree.")
    _check_texts(row, cells)
    _check_place(row, cells)
    _check_contact(row, cells)
    row.product = {name: cells[name] for name in PRODUCT_COLUMNS if cells.get(name)}
    return row


def _check_texts(row: Row, cells: dict[str, str]) -> None:
    for name in TEXTS:
        value, limit = cells.get(name, ""), LENGTHS[name]
        if not value:
            row.refuse(name, f"“{name}” is empty.")
        elif len(value) > limit:
            row.refuse(name, f"“{name}” has {len(value)} characters; at most {limit} fit.")
        row.values[name] = value
    country = countries.code_of(cells.get("country", ""))
    if country is None:
        row.refuse("country", f"“{cells.get('country', '')[:40]}” is no country; use a code such as NL.")
        return
    row.values["country"] = country
    if row.values["postcode"] and (problem := countries.postcode_problem(country, row.values["postcode"])):
        row.refuse("postcode", f"“{row.values['postcode'][:20]}”: {problem}")


def _check_place(row: Row, cells: dict[str, str]) -> None:
    region = cells.get("region", "").lower()
    if region and region not in Site.Region.values:
        row.refuse("region", f"“{region[:20]}” is no region; use {', '.join(Site.Region.values)}.")
    elif region:
        row.values["region"] = region
    pair = {name: cells.get(name, "") for name in ("latitude", "longitude")}
    if bool(pair["latitude"]) != bool(pair["longitude"]):
        row.refuse("latitude", "Give both latitude and longitude, or neither.")
        return
    for name, limit in (("latitude", 90), ("longitude", 180)):
        if pair[name]:
            _check_degrees(row, name, pair[name].replace(",", "."), limit)


def _check_degrees(row: Row, name: str, text: str, limit: int) -> None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) > limit:
        row.refuse(name, f"“{name}” is a number between −{limit} and {limit}, not “{text[:20]}”.")
        return
    row.values[name] = value.quantize(Decimal("0.00001"))


def _check_contact(row: Row, cells: dict[str, str]) -> None:
    name, email, phone = (cells.get(f"contact_{part}", "") for part in ("name", "email", "phone"))
    if not (name or email):
        return
    if not name or not email:
        row.refuse("contact_email", "An on-site contact has both a name and an e-mail address.")
        return
    try:
        validate_email(email)
    except ValidationError:
        row.refuse("contact_email", f"“{email[:60]}” is no e-mail address.")
    first, _, last = name.rpartition(" ")
    if len(name) > 60 or len(phone) > 30:
        row.refuse("contact_name", "A name has at most 60 characters and a phone number 30.")
    row.contact = {"first_name": first or last, "last_name": last, "email": email.lower(), "phone": phone}


def _mark_doubles(rows: list[Row]) -> None:
    seen: dict[tuple[int, str], int] = {}
    for row in rows:
        code = str(row.values.get("code", "")).lower()
        if row.account is None or not code:
            continue
        first = seen.setdefault((row.account.pk, code), row.line)
        if first != row.line:
            row.refuse("code", f"Line {first} has the code {row.values['code']} too.")


def _mark_standing(rows: list[Row], tree: list[Account]) -> None:
    codes = {str(row.values["code"]) for row in rows if row.account and row.values.get("code")}
    found = Site.objects.filter(account__in=[member.pk for member in tree], code__in=codes).select_related("contact")
    standing = {(site.account_id, site.code): site for site in found}
    for row in rows:
        site = standing.get((row.account.pk, str(row.values.get("code")))) if row.account else None
        if site is not None:
            row.site_id = site.pk
            before = {name: getattr(site, name) for name in row.values}
            row.changes = audit.difference(before, row.values)
            there = site.contact.email if site.contact else ""
            if row.contact and row.contact["email"] != there.lower():
                row.changes["contact"] = [there, row.contact["email"]]


def _who(row: Row) -> tuple[int, str]:
    return (row.account.pk if row.account else 0, row.contact.get("email", ""))


def _contacts(rows: list[Row]) -> dict[tuple[int, str], Contact]:
    """The on-site contacts of rows by account and address, made where there is none."""
    wanted = {_who(row): row for row in rows if row.contact}
    addresses = {email for _, email in wanted}
    site = Contact.Role.SITE

    def found() -> dict[tuple[int, str], Contact]:
        rows = Contact.objects.filter(role=site, email__in=addresses, account__in={pk for pk, _ in wanted})
        return {(contact.account_id, contact.email): contact for contact in rows}

    standing = found()
    Contact.objects.bulk_create(
        [Contact(account=row.account, role=site, **row.contact) for who, row in wanted.items() if who not in standing],
        ignore_conflicts=True,
    )
    return found() if len(standing) < len(wanted) else standing


def _update(pairs: list[tuple[Site, Row]], contacts: dict[tuple[int, str], Contact]) -> None:
    for site, row in pairs:
        for name in row.changes.keys() - {"contact"}:
            setattr(site, name, row.values[name])
        site.contact = contacts.get(_who(row), site.contact)
        site.edition += 1
    fields = ["edition", *sorted({"contact", *(name for _, row in pairs for name in row.changes)})]
    if pairs:
        Site.objects.bulk_update([site for site, _ in pairs], fields, batch_size=500)

"""Sampling: sample orders of the test bench are written as lines of text, checked, kept and thrown away."""

from typing import Any

from django.db import transaction

from catalog import valuetypes
from catalog.models import Offering, SampleOrder
from kernel import audit, writing
from kernel.models import User
from kernel.refusal import Refusal

MOST_SITES = 50
MOST_LINES = 50


class BadSample(Refusal):
    """The sample cannot be kept like this; every problem stands at its field."""


def read_sites(text: str) -> list[dict[str, str]]:
    """Sites from lines “code, name, country, region”. Raises BadSample at the line."""
    found = []
    for number, line in enumerate((line for line in text.splitlines() if line.strip()), 1):
        parts = [part.strip() for part in line.split(",")]
        if len(parts) != 4 or not all(parts[:3]):
            raise BadSample(problems={"sites": [f"Line {number}: write code, name, country, region."]})
        found.append(dict(zip(("code", "name", "country", "region"), parts, strict=True)))
    if len(found) > MOST_SITES:
        raise BadSample(problems={"sites": [f"At most {MOST_SITES} sites; a sample is small."]})
    return found


def write_sites(sites: list[dict[str, Any]]) -> str:
    """The lines that `read_sites` reads."""
    return "\n".join(", ".join(str(site.get(n, "")) for n in ("code", "name", "country", "region")) for site in sites)


def read_lines(text: str, codes: set[str]) -> list[dict[str, Any]]:
    """Order lines from “offering × quantity @ code code: key = value; …”. Raises BadSample at the line."""
    found = []
    rows = Offering.objects.exclude(state="retired").select_related("specification").order_by("version")
    sold = {row.key: row for row in rows.prefetch_related("specification__characteristics")}
    for number, line in enumerate((line for line in text.splitlines() if line.strip()), 1):
        found.append(_line(line, number, sold, codes))
    if not found:
        raise BadSample(problems={"lines": ["Say what is ordered, one line each."]})
    if len(found) > MOST_LINES:
        raise BadSample(problems={"lines": [f"At most {MOST_LINES} lines; a sample is small."]})
    return found


def write_lines(lines: list[dict[str, Any]]) -> str:
    """The lines that `read_lines` reads."""
    said = []
    for line in lines:
        quantity = f" x {line['quantity']}" if line.get("quantity", 1) != 1 else ""
        sites = line.get("sites", "all")
        places = f" @ {' '.join(sites)}" if sites != "all" else ""
        values = "; ".join(f"{key} = {_text(value)}" for key, value in line.get("values", {}).items())
        said.append(f"{line['offering']}{quantity}{places}{f': {values}' if values else ''}")
    return "\n".join(said)


def names(sample: SampleOrder) -> list[tuple[str, list[str]]]:
    """What is ordered, as (offering's name, each value in words)."""
    rows = Offering.objects.filter(key__in=[line["offering"] for line in sample.lines]).order_by("version")
    sold = {
        row.key: row for row in rows.select_related("specification").prefetch_related("specification__characteristics")
    }
    found = []
    for line in sample.lines:
        offering = sold.get(line["offering"])
        rows_of = offering.specification.characteristics.all() if offering and offering.specification else []
        values = line.get("values", {})
        said = [f"{c.name}: {valuetypes.told(c, values[c.key])}" for c in rows_of if c.key in values]
        found.append((offering.name if offering else str(line["offering"]), said))
    return found


@transaction.atomic
def keep(sample: SampleOrder | None, *, values: dict[str, Any], by: User) -> SampleOrder:
    """Store a sample; None makes a new one. Raises BadSample."""
    if sample is None and SampleOrder.objects.filter(key=values["key"]).exists():
        raise BadSample(problems={"key": [f"There is a sample “{values['key']}” already."]})
    row = sample or SampleOrder()
    before = {name: getattr(row, name, None) for name in values} if sample else {}
    for name, value in values.items():
        setattr(row, name, value)
    row.edition += 1 if sample else 0
    row.save()
    audit.record("edited" if sample else "created", row, by=by, changes=audit.difference(before, values))
    return row


@transaction.atomic
def drop(sample: SampleOrder, *, by: User) -> None:
    """Throw a sample away."""
    audit.record("discarded", sample, by=by)
    sample.delete()


def _line(line: str, number: int, sold: dict[str, Offering], codes: set[str]) -> dict[str, Any]:
    def wrong(text: str) -> BadSample:
        return BadSample(problems={"lines": [f"Line {number}: {text}"]})

    head, _, tail = line.partition(":")
    head, _, places = head.partition("@")
    key, _, quantity = head.replace("×", " x ").partition(" x ")
    key, quantity = key.strip(), quantity.strip() or "1"
    if key not in sold:
        raise wrong(f"there is no offering “{key[:60]}”.")
    if not 1 <= writing.whole(quantity) <= 10_000:
        raise wrong(f"“{quantity[:20]}” is no quantity.")
    wanted = places.split()
    if unknown := [code for code in wanted if code not in codes]:
        raise wrong(f"there is no site “{unknown[0][:40]}” above.")
    specification = sold[key].specification
    known = {c.key: c for c in specification.characteristics.all()} if specification else {}
    values = {}
    for part in tail.split(";"):
        name, _, text = (piece.strip() for piece in part.partition("="))
        if name and name not in known:
            raise wrong(f"{sold[key].name} has no characteristic “{name[:60]}”.")
        if name:
            values[name] = valuetypes.parse(known[name], text)
    return {"offering": key, "quantity": int(quantity), "sites": wanted or "all", "values": values}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)

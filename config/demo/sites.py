"""Sites: the demo's site file, and longer ones of the same kind for deals of any size, always the same."""

import csv
import io
from pathlib import Path

FILE = Path(__file__).resolve().parent / "sites.csv"
MOST = 5_000
NORTHERNMOST = 90  # one row of the demo's file has a latitude that no place on earth has; it is not copied


def file(number: int = 0) -> bytes:
    """The demo's own site file, or one of so many good sites made from its rows, town by town in turn.

    Raises:
        ValueError: fewer than one or more than 5,000.
    """
    if not number:
        return FILE.read_bytes()
    if not 1 <= number <= MOST:
        raise ValueError(f"A file has 1 to {MOST:,} sites, not {number}.")
    rows = [row for row in _rows() if float(row["latitude"]) <= NORTHERNMOST]
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for n in range(number):
        writer.writerow(_site(rows[n % len(rows)], n, n // len(rows)))
    return out.getvalue().encode()


def _rows() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(FILE.read_text())))


def _site(row: dict[str, str], n: int, turn: int) -> dict[str, str]:
    """One site: a town of the demo, another house a little further each turn. The first turn is the demo's own rows."""
    if not turn:
        return row
    street, _, _ = row["street"].rpartition(" ")
    user, _, domain = row["contact_email"].partition("@")
    return row | {
        "code": f"{row['country']}-{n + 1:04d}",
        "name": f"{row['city']} {turn + 1}",
        "street": f"{street} {turn + 100}",
        "latitude": f"{float(row['latitude']) + turn % 20 * 0.0004:.5f}",
        "longitude": f"{float(row['longitude']) + turn // 20 * 0.0004:.5f}",
        "contact_email": f"{user}+{turn + 1}@{domain}",
    }

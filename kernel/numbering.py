"""Numbers that people say: a prefix and seven digits from a database sequence. Gaps are allowed, repeats are not."""

from django.db import connection

PREFIXES = (
    "LED", "OPP", "ACC", "QUO", "AGR", "CON", "SVC", "ORD", "DOM", "TSK", "FO", "PRJ", "PRD", "SRV", "RES", "FEA",
    "CAS", "WO", "FOB", "TRM", "PTN", "PRQ",
)  # fmt: skip


def take(prefix: str) -> str:
    """The next number of a series, such as ORD0000123."""
    return take_many(prefix, 1)[0]


def take_many(prefix: str, count: int) -> list[str]:
    """Several numbers in one statement, ascending."""
    if prefix not in PREFIXES:
        raise ValueError(f"No number series {prefix!r}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(%s::regclass) FROM generate_series(1, %s)", [f"number_{prefix.lower()}", count])
        return [f"{prefix}{value:07d}" for (value,) in sorted(cursor.fetchall())]

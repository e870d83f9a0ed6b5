"""A deal: a draft quote of many lines of the demo's catalogue, its rows made set by set; and its PDF, measured alone.

Run as `python -m config.bench.deal QUOTE` for the PDF, so that the peaks of memory are those of printing.
"""

import json
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import django
from django.db import connection

REGIONS = ("metro", "regional", "remote")
COUNTRIES = ("NL", "DE", "CZ", "PL")
# offering → the values of the n-th site; each site has one line of each
PRODUCTS: dict[str, Any] = {
    "sdwan": lambda n: {"size": "SML"[n % 3], "ha": n % 5 == 0},
    "dia": lambda n: {"bandwidth": ("100M", "500M", "1G")[n % 3], "routing": "static", "diversity": n % 7 == 0},
    "firewall": lambda n: {"tier": ("basic", "plus", "premium")[n % 3]},
    "sip": lambda n: {"channels": 10 + n % 40, "numbers": 20 + n % 90},
}


def make(lines: int) -> Any:
    """A draft quote with so many lines, a multiple of four; nothing is priced yet."""
    from catalog.models import Offering
    from config.demo import story
    from contracts import quoting
    from contracts.models import Quote, QuoteLine
    from crm import accounts
    from crm.models import Site
    from kernel import copying

    mira = story.provider()["sales_agent"]
    account = accounts.open_account(name=f"Deal of {lines} N.V. {uuid.uuid4().hex[:6]}", by=mira, tier="gold")
    accounts.add_contact(account_id=account.pk, first_name="Rolf", last_name="Out", email="rolf@deal.example", by=mira)
    number = lines // len(PRODUCTS)
    keys = copying.keys(Site, number)
    copying.copy(
        Site, ("id", "code", "name", "street", "city", "country", "region"),
        (
            (key, f"S-{n:05d}", f"Branch {n}", f"Kade {n}", "Rotterdam", COUNTRIES[n * 4 // number], REGIONS[n % 3])
            for n, key in enumerate(keys)
        ),
        account_id=account.pk,
    )  # fmt: skip
    quote: Quote = quoting.create(by=mira, account_id=account.pk, title=f"{lines} lines", term_months=36)
    offerings = {one.key: one.pk for one in Offering.objects.filter(key__in=PRODUCTS, state="active")}

    def rows() -> Iterator[tuple[Any, ...]]:
        for n, site in enumerate(keys):
            for place, (key, values) in enumerate(PRODUCTS.items(), 1):
                yield uuid.uuid4(), n * len(PRODUCTS) + place, site, offerings[key], values(n)

    copying.copy(QuoteLine, ("key", "position", "site_id", "offering_id", "characteristics"), rows(), quote_id=quote.pk)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contracts_quoteline, contracts_lineprice, crm_site")
    return quote


def printed(quote_id: int) -> dict[str, float]:
    """Seconds that the PDF takes, and the peak megabytes of this process and those that it starts, taken together."""
    from config.bench.memory import Watched
    from contracts import documents
    from contracts.models import Quote

    quote = Quote.objects.select_related("account__root", "agreement", "price_list", "owner").get(pk=quote_id)
    start = time.monotonic()
    with Watched() as watched:
        content = documents.quote_bytes(quote)
    return {"seconds": time.monotonic() - start, "megabytes": watched.megabytes, "bytes": len(content)}


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(printed(int(sys.argv[1]))))

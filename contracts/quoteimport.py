"""Import into quotes: a site file makes the sites, and its product columns configure a line of each."""

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from catalog import configuration
from catalog.models import Offering
from contracts import quotepricing, quoting
from contracts.models import Quote, QuoteLine
from contracts.quoting import RefusedSite
from crm import siteimport
from crm.siteimport import Applied, Row, Rows
from kernel import audit
from kernel.models import User

# column of the site file → key of the offering, the characteristic that the cell holds
COLUMNS = {"bandwidth": ("dia", "bandwidth"), "size": ("sdwan", "size"), "firewall": ("firewall", "tier")}


@dataclass
class Imported:
    """What an import did. `bad` rows were left out; `refused` are products that a good row could not have."""

    sites: Applied
    bad: list[Row]
    made: int = 0
    changed: int = 0
    refused: list[RefusedSite] = field(default_factory=list)
    rows: Rows | None = None


@transaction.atomic
def import_sites(*, quote_id: int, content: bytes, by: User | None, update: bool = False) -> Imported:
    """Take the good rows of a site file into a draft: their sites, and a line for each product that a row names.

    A line that is there already takes the value of the file. With `update` differing sites are changed too.

    Raises:
        Frozen: the version is no draft.
        Unreadable: the file as a whole cannot be taken.
    """
    quote = quoting.draft(quote_id)
    rows = siteimport.read(content, quote.account)
    applied = siteimport.apply(quote.account, rows, by=by, update=update)
    done = Imported(applied, rows.bad, rows=rows)
    touched: list[QuoteLine] = []
    for column, (key, characteristic) in COLUMNS.items():
        wanted = {
            applied.sites[row.line].pk: row.product[column]
            for row in rows.good
            if row.product.get(column) and row.line in applied.sites
        }
        if wanted:
            touched += _take(quote, key, characteristic, wanted, done)
    quoting.settle(quote, touched, by=by)
    audit.record("imported", quote, by=by, changes={"lines": [None, f"{done.made} made, {done.changed} changed"]})
    return done


def _take(quote: Quote, key: str, characteristic: str, wanted: dict[int, str], done: Imported) -> list[QuoteLine]:
    """Lines of one offering from the cells of one column."""
    found = Offering.objects.on_sale().filter(key=key, sellable=True).values_list("pk", flat=True)
    if not (pk := found.first()):
        names = ", ".join(sorted(set(wanted.values())))
        done.refused.append(RefusedSite(0, key, f"There is no offering “{key}” for {names}."))
        return []
    offering = quoting.sellable(pk)
    known = (
        offering.specification.characteristics.filter(key=characteristic).first() if offering.specification else None
    )
    values = {
        site: {characteristic: configuration.parse(known, cell) if known else cell} for site, cell in wanted.items()
    }
    standing = [line for line in quotepricing.lines_of(quote, offering_id=pk) if line.site_id in values]
    changed = [line for line in standing if _configured(line, offering, values[line.site_id or 0])]
    QuoteLine.objects.bulk_update(changed, ["characteristics", "problems", "edition"], batch_size=500)
    rest: dict[int | None, dict[str, Any]] = {
        site: chosen for site, chosen in values.items() if site not in {line.site_id for line in standing}
    }
    made, refused = quoting.place(quote, offering, rest)
    done.made += len(made)
    done.changed += len(changed)
    done.refused += refused
    return [*changed, *made]


def _configured(line: QuoteLine, offering: Offering, values: dict[str, object]) -> bool:
    """Put the file's values on a line; whether they are new to it."""
    if all(line.characteristics.get(name) == value for name, value in values.items()):
        return False
    line.characteristics = {**line.characteristics, **values}
    if offering.specification:
        line.problems = configuration.validate(offering.specification, line.characteristics, complete=True)
    line.edition += 1
    return True

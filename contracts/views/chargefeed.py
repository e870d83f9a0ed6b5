"""Billing of a contract month by month: what each product comes to and why, as a page and as CSV."""

import csv
import datetime as dt

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from contracts import billing, chargefeed, periods
from contracts.views.contracts import load
from kernel import workspace
from kernel.csvfile import harmless

COLUMNS = (
    "contract", "kind", "product", "name", "site", "first", "last", "monthly", "amount", "currency", "detail",
)  # fmt: skip


@workspace.allowed("contracts.view_contract")
@require_safe
def month(request: HttpRequest, number: str) -> HttpResponse:
    """One calendar month, the present one unless `?month=2027-03` names another; `?as=csv` as a file."""
    contract = load(request, number)
    first = _first(request.GET.get("month", ""))
    items = chargefeed.of_month(billing.under(contract), first, billing.charges_under(contract))
    if request.GET.get("as") == "csv":
        return _file(contract.number, first, items)
    context = {
        "record": contract, "items": items, "first": first, "total": chargefeed.total(items),
        "before": periods.first_of(first, -1), "after": periods.first_of(first, 1),
        "back": reverse("contracts:contract", args=[contract.number]),
    }  # fmt: skip
    return render(request, "contracts/contract_billing.html", context)


def _first(typed: str) -> dt.date:
    try:
        found = parse_date(f"{typed}-01") if len(typed) == 7 else None
    except ValueError:
        found = None
    found = found or timezone.localdate()
    return min(max(found, dt.date(2000, 1, 1)), dt.date(2100, 12, 1)).replace(day=1)


def _file(number: str, first: dt.date, items: list[chargefeed.Item]) -> HttpResponse:
    name = f"{number}-{first:%Y-%m}.csv"
    response = HttpResponse(
        content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
    writer = csv.writer(response)
    writer.writerow(COLUMNS)
    for item in items:
        writer.writerow([number, *(harmless(str(getattr(item, column))) for column in COLUMNS[1:])])
    return response

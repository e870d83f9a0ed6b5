"""Billing month by month, of a contract and of all customers: what each product comes to and why, also as CSV."""

import datetime as dt
from collections.abc import Iterable
from itertools import chain

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from contracts import billing, chargefeed, chargelist, periods
from contracts.views.contracts import load
from crm.models import Account
from kernel import csvfile, htmx, workspace

PAGE = 25  # customers
RIGHTS = ("contracts.view_contract", "contracts.view_billingstart")
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
    rows = ([number, *(getattr(item, column) for column in COLUMNS[1:])] for item in items)
    return htmx.download("".join(csvfile.lines([COLUMNS, *rows])), f"{number}-{first:%Y-%m}.csv")


@workspace.allowed(*RIGHTS)
@require_safe
def everything(request: HttpRequest) -> HttpResponse:
    """What every customer is charged in a month; `?q=` finds customers, `?as=csv` gives every charge as a file."""
    user, first, text = workspace.person(request), _first(request.GET.get("month", "")), _text(request)
    if request.GET.get("as") == "csv":
        return _feed(chargelist.everything(user, first, text), f"charges-{first:%Y-%m}.csv")
    page = Paginator(chargelist.customers(user, first, text), PAGE).get_page(request.GET.get("page", "")[:9])
    rows = [row for row in chargelist.summed(list(page), first) if row.charges]
    context = {"rows": rows, "page": page, "totals": chargelist.together(rows), "query": text, **_months(first)}
    return htmx.respond(request, "contracts/charge_list.html", context)


@workspace.allowed(*RIGHTS)
@require_safe
def customer(request: HttpRequest, number: str) -> HttpResponse:
    """Every charge of one customer in a month; `?as=csv` as a file."""
    user, first = workspace.person(request), _first(request.GET.get("month", ""))
    account = Account.objects.visible_to(user).filter(number=number, parent=None).first()
    if account is None:
        raise Http404("There is no such customer.")
    items = chargelist.items([account], first)
    if request.GET.get("as") == "csv":
        return _feed(((account, item) for item in items), f"charges-{account.number}-{first:%Y-%m}.csv")
    (row,) = chargelist.summed([account], first)
    page = Paginator(items, PAGE * 4).get_page(request.GET.get("page", "")[:9])
    context = {"account": account, "items": page, "page": page, "totals": row.totals, **_months(first)}
    return htmx.respond(request, "contracts/charge_customer.html", context)


def _text(request: HttpRequest) -> str:
    return request.GET.get("q", "").replace("\x00", "").strip()[:100]


def _months(first: dt.date) -> dict[str, dt.date]:
    return {"first": first, "before": periods.first_of(first, -1), "after": periods.first_of(first, 1)}


def _feed(charges: Iterable[tuple[Account, chargefeed.Item]], name: str) -> HttpResponse:
    head = ("customer", "customer_name", *COLUMNS, "billing_profile", "invoice_email")
    rows = (
        [
            account.number, account.name, *(getattr(item, column) for column in COLUMNS),
            item.profile.name if item.profile else "", item.profile.invoice_email if item.profile else "",
        ]
        for account, item in charges
    )  # fmt: skip
    return htmx.download(csvfile.lines(chain([head], rows)), name)

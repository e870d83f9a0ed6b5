"""Contracts: the list, and the record with lines, service levels, entitlements, sites and billing."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from catalog.models import SlaMetric
from contracts import agreementcontent, billing, quotecontent, servicelevel
from contracts.models import Contract, ServiceLevel
from kernel import documents, htmx, tables, workspace
from kernel.refusal import Refusal


class ContractTable(tables.Table):
    """Columns of the list."""

    number = tables.Name(url="contracts:contract", arg="number", sub="get_kind_display", verbose_name="Contract")
    account = tables.Text(accessor="account__name", sub="site", verbose_name="Customer", order_by="account__name")
    state = tables.State()
    monthly = tables.Money(verbose_name="Per month")
    starts_on = tables.Date(verbose_name="From", optional=True)
    ends_on = tables.Date(verbose_name="Until", optional=True)


class ContractFilter(tables.Filters):
    """Chips of the list."""

    kind = tables.Choices(choices=Contract.Kind.choices)
    state = tables.Choices(choices=Contract.State.choices)

    class Meta:
        model = Contract
        fields: tuple[str, ...] = ()


class Contracts(tables.ListPage):
    """Sales and service contracts."""

    title = "Contracts"
    model = Contract
    table = ContractTable
    filters = ContractFilter
    search = ("number", "account__name", "site__name", "site__code")
    sort = "-number"
    related = ("account", "site")
    empty = tables.Empty(
        "certificate",
        "No contracts yet",
        "A contract is made by itself when a customer signs a quote: one for the deal, one for every site.",
        "See the quotes",
        "contracts:quote_list",
    )


@workspace.allowed("contracts.view_contract")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list."""
    return tables.show(request, Contracts)


@workspace.allowed("contracts.view_contract")
@require_safe
def record(request: HttpRequest, number: str) -> HttpResponse:
    """One contract."""
    return _page(request, _load(request, number))


@workspace.allowed("contracts.view_contract", "contracts.move_contract")
@require_POST
def tighten(request: HttpRequest, number: str) -> HttpResponse:
    """Promise more at this site; a looser value is refused at its field."""
    contract = _load(request, number)
    metric, typed = request.POST.get("metric", ""), request.POST.get("value", "").strip().replace(",", ".")
    try:
        value = Decimal(typed)
        if not value.is_finite():
            raise InvalidOperation
        servicelevel.tighten(contract_id=contract.pk, metric=metric, value=value, by=workspace.person(request))
    except InvalidOperation:
        problems = {"value": ["Type a number, such as 99.95."]}
    except Refusal as error:
        if error.status != 422:
            raise
        problems = error.problems
    else:
        return htmx.go(request, "contracts:contract", contract.number, toast="Service level tightened.")
    return _page(request, contract, problems=problems, metric=metric, typed=typed, status=422)


def _load(request: HttpRequest, number: str) -> Contract:
    rows = Contract.objects.visible_to(workspace.person(request)).select_related(
        "account", "site", "contact", "quote", "agreement", "parent", "renewed_from"
    )
    found: Contract = get_object_or_404(rows, number=number)
    return found


def _page(
    request: HttpRequest,
    contract: Contract,
    *,
    problems: dict[str, list[str]] | None = None,
    metric: str = "",
    typed: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        **_facts(contract),
        "can_tighten": contract.kind == Contract.Kind.SERVICE
        and contract.state not in servicelevel.OVER
        and request.user.has_perm("contracts.move_contract"),
        "problems": problems or {},
        "metric": metric,
        "typed": typed,
    }
    return render(request, "contracts/contract.html", context, status=status)


def _facts(contract: Contract) -> dict[str, Any]:
    lines = quotecontent.contract_lines(contract)
    sites = list(contract.service_contracts.select_related("site", "account").order_by("site__country", "site__code"))
    levels = ServiceLevel.objects.filter(contract=contract).select_related("inherited_from").order_by("metric")
    return {
        "record": contract,
        "title": f"{contract.get_kind_display()}, {contract.site.name if contract.site else contract.account.name}",
        "crumbs": [
            ("Contracts", reverse("contracts:contract_list")),
            (contract.account.name, reverse("crm:account", args=[contract.account.number])),
        ],
        "lines": lines,
        "signed": documents.of(contract.quote).filter(kind__startswith="signed_").first(),
        "sites": sites,
        "live": sum(site.state == Contract.State.ACTIVE for site in sites),
        "levels": [
            (
                level,
                agreementcontent.level(level.metric, level.value),
                level.inherited_from and level.value != level.inherited_from.value,
            )
            for level in levels
        ],
        "entitlements": list(contract.entitlements.select_related("offering").order_by("offering__position")),
        "billed": billing.of_contract(contract),
        "metrics": SlaMetric.choices,
    }

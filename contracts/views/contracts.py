"""Contracts: the list, and the record with lines, service levels, entitlements, sites and billing."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from catalog.models import SlaMetric
from contracts import (
    agreementcontent,
    amending,
    basis,
    billing,
    ending,
    quotecontent,
    remainder,
    renewing,
    servicelevel,
)
from contracts.forms.contracts import RuleForm
from contracts.models import Contract, Quote, ServiceLevel, Termination
from kernel import documents, htmx, tables, workspace, writing
from kernel.refusal import Refusal

ENDING = [("30", "30 days"), ("90", "90 days"), ("180", "Half a year"), ("365", "A year")]


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
    state = tables.States(Contract)
    ending = tables.Choices(label="Ends within", choices=ENDING, method="by_end")

    def by_end(self, rows: QuerySet[Contract], name: str, value: str) -> QuerySet[Contract]:
        """In force, its term over within so many days, and nothing follows it yet."""
        return renewing.ending(rows, int(value))

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
    return page(request, load(request, number))


@workspace.allowed("contracts.view_contract", "contracts.move_contract")
@require_POST
def tighten(request: HttpRequest, number: str) -> HttpResponse:
    """Promise more at this site; a looser value is refused at its field."""
    contract = load(request, number)
    metric, typed = (
        request.POST.get("metric", ""),
        writing.typed(request.POST.get("value", "").strip()).replace(",", "."),
    )
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
    return page(request, contract, problems=problems, metric=metric, typed=typed, status=422)


def load(request: HttpRequest, number: str) -> Contract:
    """A contract that this person sees. Raises Http404."""
    rows = Contract.objects.visible_to(workspace.person(request)).select_related(
        "account", "site", "contact", "quote", "agreement", "parent", "renewed_from"
    )
    found: Contract = get_object_or_404(rows, number=number)
    return found


def page(request: HttpRequest, contract: Contract, *, status: int = 200, **typed: Any) -> HttpResponse:
    """The record; `typed` are refused inputs with their problems."""
    may = request.user.has_perm
    live = contract.state in (Contract.State.ACTIVE, Contract.State.SUSPENDED)
    context = {
        **_facts(contract),
        **_standing(contract),
        "over": contract.state in remainder.OVER,
        "today": timezone.localdate(),
        "can_tighten": contract.kind == Contract.Kind.SERVICE
        and contract.state not in servicelevel.OVER
        and may("contracts.move_contract"),
        "can_quote": contract.state == Contract.State.ACTIVE and may("contracts.edit_quote"),
        "can_end": live and may("contracts.add_termination"),
        "can_rule": live and may("contracts.move_contract"),
        "problems": {},
        "notice_on": f"{timezone.localdate():%Y-%m-%d}",
        **typed,
    }
    context.setdefault("rule_form", RuleForm(instance=contract))
    return render(request, "contracts/contract.html", context, status=status)


def _standing(contract: Contract) -> dict[str, Any]:
    """What follows, what is under way, and what it cost to change or end."""
    asked = ending.current(contract)
    follows = contract.renewals.exclude(state=Contract.State.CANCELLED).order_by("-id").first()
    in_force = contract.state in (Contract.State.ACTIVE, Contract.State.SUSPENDED)
    days = (contract.ends_on - timezone.localdate()).days if in_force and contract.ends_on else None
    return {
        "follows": follows,
        "leaving": in_force and bool(contract.notice_given_on) and not follows,
        "days_left": days,
        "soon": days is not None and days <= renewing.SOON and not follows,
        "deadline": renewing.last_day_of_notice(contract),
        "under_way": [(quote, _difference(contract, quote)) for quote in basis.open_quotes(contract)],
        "amendments": list(contract.amendments.select_related("quote").order_by("-number")),
        "ending": asked,
        "asked_to_end": asked is not None and asked.state in Termination.OPEN,
        "charges": list(contract.charges.all()),
        "owed": sum((charge.amount for charge in contract.charges.all()), Decimal(0)),
    }


def _difference(contract: Contract, quote: Quote) -> list[amending.Difference] | None:
    """What a quote under way would change, shown on the page of the sales contract."""
    if quote.purpose == Quote.Purpose.NEW or contract.kind != Contract.Kind.SALES:
        return None
    return amending.differences(contract, quote)


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
                level.inherited_from and agreementcontent.level(level.metric, level.inherited_from.value).promise,
            )
            for level in levels
        ],
        "entitlements": list(contract.entitlements.select_related("offering").order_by("offering__position")),
        "billed": billing.of_contract(contract),
        "metrics": SlaMetric.choices,
    }

"""Try a price: a configuration typed in by hand, what it would cost and why; nothing is stored."""

from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from catalog import configuration, currencies, explaining, pricing, tiering
from catalog.currencies import NoRate
from catalog.forms.prices import TrialForm
from catalog.models import Offering, PriceList
from catalog.pricing import PriceBook, PricedCharge, PricingInput, Terms
from catalog.views import tabs
from kernel import htmx
from kernel.decisions import BrokenRule
from kernel.money import ZERO
from kernel.workspace import allowed, person


@allowed("catalog.view_pricelist")
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The form, and below it the price with its steps once something was asked. Its state lives in the address."""
    first = Offering.objects.filter(state="active", sellable=True, prices__isnull=False).order_by("name").first()
    newest = PriceList.objects.filter(valid_from__lte=timezone.localdate()).order_by("-valid_from").first()
    start = {
        "offering": first.key if first else "", "price_list": newest.key if newest else "", "region": "metro",
        "term": "36", "sites": "1", "quantity": "1", "manual": "0", "on": timezone.localdate().isoformat(),
    }  # fmt: skip
    data = {**start, **request.GET.dict()}
    form = TrialForm(data, by=person(request))
    context: dict[str, Any] = {"form": form, "tabs": tabs.of(request, "trial", tabs.PRICES), "asked": bool(request.GET)}
    status = 200
    if first is None or newest is None:
        context["nothing"] = True
    elif form.is_valid():
        context |= _answer(request, form.cleaned_data, data)
    else:
        status = 422 if request.GET else 200
    part = "trial" if getattr(request, "htmx", False) else ""
    return htmx.respond(request, "catalog/price_trial.html", context, part=part, status=status)


def _answer(request: HttpRequest, asked: dict[str, Any], data: dict[str, str]) -> dict[str, Any]:
    specification = asked["offering"].specification
    values: dict[str, Any] = configuration.defaults(specification) if specification else {}
    problems: dict[str, list[str]] = {}
    if specification:
        typed = {name[2:]: text for name, text in data.items() if name.startswith("c-")}
        if data.get("asked"):
            typed |= {name: "" for name in _switches(specification) if f"c-{name}" not in data}
        values, problems = configuration.clean(specification, typed, values)
    fields = configuration.form_fields(specification, values, problems) if specification else []
    answer: dict[str, Any] = {"fields": fields, "offering": asked["offering"], "price_list": asked["price_list"]}
    try:
        charges, rate = _charges(asked, values)
    except (BrokenRule, NoRate) as error:
        return answer | {"refused": str(error)}
    sees = person(request).has_perm("catalog.view_cost")
    known = specification.characteristics.all() if specification else ()
    explained = explaining.explain(charges, with_cost=sees, known=known)
    currency = asked["currency"] or asked["price_list"].currency
    return answer | {
        "charges": explained, "currency": currency, "rate": rate.worded() if rate else "", "sees_cost": sees,
        "incomplete": problems, "monthly": _total(charges, "recurring"), "one_time": _total(charges, "one_time"),
        "usage": _usage(charges, data.get("units", "")), "units": data.get("units", ""),
    }  # fmt: skip


def _charges(asked: dict[str, Any], values: dict[str, Any]) -> tuple[list[PricedCharge], Any]:
    price_list, currency = asked["price_list"], asked["currency"] or asked["price_list"].currency
    rate = None
    if currency != price_list.currency:
        rate = currencies.rate(price_list.currency, currency, asked["on"])
    book = PriceBook.load(price_list, [asked["offering"].pk], (), Terms(currency, rate, on=asked["on"]))
    item = PricingInput(
        offering_id=asked["offering"].pk, values=values, region=asked["region"], country=asked["country"].upper(),
        term=asked["term"], sites=asked["sites"], quantity=asked["quantity"], manual=asked["manual"],
    )  # fmt: skip
    return pricing.price(book, item), rate


def _total(charges: list[PricedCharge], kind: str) -> Any:
    return sum((charge.amount / charge.period for charge in charges if charge.charge == kind), ZERO)


def _usage(charges: list[PricedCharge], units: str) -> list[tuple[str, str, Any]]:
    """What so many units of each usage price would cost in a month."""
    if not (units.isascii() and units.isdigit() and len(units) < 10):
        return []
    found = []
    for charge in charges:
        if charge.usage:
            tiers = tiering.read(charge.usage["tiers"])
            allowance = Decimal(charge.usage["allowance"])
            cost = tiering.cost(Decimal(units), tiers, charge.usage["tiering"], allowance)
            found.append((charge.label, charge.usage["unit"], cost))
    return found


def _switches(specification: Any) -> list[str]:
    """Yes-or-no characteristics: a browser leaves out the box that is not ticked."""
    return [c.key for c in specification.characteristics.all() if c.type == "boolean"]

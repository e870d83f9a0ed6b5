"""Dry runs of rules: of a decomposition against an order, of a rule between products against all there is."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from catalog.forms.rules import PairingForm
from catalog.models import DecompositionRule
from catalog.pairing import wrong as wrong_pairing
from kernel import htmx
from kernel.refusal import Refusal
from kernel.workspace import allowed, person
from orders import pairtrial, rehearsal
from orders.models import Order

SHOWN = 40  # nodes


@allowed("catalog.view_decompositionrule", "orders.view_order")
@require_safe
def panel(request: HttpRequest, pk: int) -> HttpResponse:
    """The form, and with `?order=` what would differ."""
    user = person(request)
    rule = get_object_or_404(DecompositionRule.objects.visible_to(user).select_related("source", "target"), pk=pk)
    number = request.GET.get("order", "").strip().upper()[:20]
    orders = Order.objects.visible_to(user).select_related("account")
    fitting = orders.filter(lines__specification__isnull=False).distinct().order_by("-pk")[:8]
    order = orders.filter(number=number).first() if number else None
    found, problem = None, ""
    if number and order is None:
        problem = f"There is no order {number}."
    elif order is not None:
        try:
            found = rehearsal.rehearse(order, rule)
        except Refusal as error:
            problem = str(error)
    context = {
        "rule": rule, "orders": fitting, "number": number, "order": order, "found": found, "problem": problem,
        "steps": found.steps[:SHOWN] if found else [], "more": max(len(found.steps) - SHOWN, 0) if found else 0,
        "sums": [(what, found.count(what)) for what in ("added", "gone", "changed")] if found else [],
    }  # fmt: skip
    return htmx.respond(request, "orders/rehearsal.html", context, status=422 if problem else 200)


@allowed("catalog.view_dependency", "orders.view_order")
@require_safe
def pairing(request: HttpRequest) -> HttpResponse:
    """What a rule between products would break, as it stands in its form."""
    form = PairingForm(request.GET, by=person(request))
    if not form.is_valid():
        return htmx.respond(request, "orders/pairtrial.html", {"form": form}, status=422)
    problems = wrong_pairing(pk=None, **form.cleaned_data).get("targets", [])
    found = pairtrial.try_out(by=person(request), **form.cleaned_data)
    context = {
        "form": form, "found": found, "breaks": found.breaks[:SHOWN], "more": max(len(found.breaks) - SHOWN, 0),
        "problems": [text for text in problems if "already" not in text],
    }  # fmt: skip
    return htmx.respond(request, "orders/pairtrial.html", context)

"""The dry run of a rule against an order: a panel of the rule's page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from catalog.models import DecompositionRule
from kernel import htmx
from kernel.refusal import Refusal
from kernel.workspace import allowed, person
from orders import rehearsal
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

"""What ends: the installed parts of a line of which fewer are wanted, to be picked from."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from kernel import htmx
from kernel.refusal import Refusal
from kernel.workspace import allowed, person
from orders import decomposition, reduction
from orders.views.page import visible


@allowed("orders.view_order")
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Pick as many as are too many; what was ticked stays when the number is wrong."""
    order, user = visible(request, number), person(request)
    get_object_or_404(order.lines, pk=pk)
    line = next((line for line in decomposition.lines_of(order) if line.pk == pk), None)
    problems: dict[str, list[str]] = {}
    if request.method == "POST" and line is not None:
        try:
            reduction.pick(line_id=pk, numbers=request.POST.getlist("part"), by=user)
            return htmx.go(request, "orders:lines", order.number, toast="Picked what ends.")
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            problems, line.ending = refusal.problems, request.POST.getlist("part")
    choices = reduction.choices(order, [line]).get(pk, []) if line is not None else []
    why_not = "" if order.state in reduction.BEFORE else "The order is past approval; this is what was picked."
    if not user.has_perm("orders.change_order"):
        why_not = "Order agents and order managers pick what ends."
    context = {
        "record": order, "line": line, "choices": [(one, problems.get(one.name, [])) for one in choices],
        "whole": problems.get("", []), "why_not": why_not,
        "crumbs": [("Orders", reverse("orders:order_list")), (order.number, order.get_absolute_url())],
    }  # fmt: skip
    return render(request, "orders/ending.html", context, status=422 if problems else 200)

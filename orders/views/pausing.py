"""Holding and resuming one part of an order, from the panel that explains it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from kernel import htmx
from kernel.refusal import Refusal
from kernel.views.records import back
from kernel.workspace import allowed, person
from orders import pausing
from orders.forms import PauseForm
from orders.models import DomainOrder


@allowed("orders.view_order", pausing.RIGHT)
@require_http_methods(["GET", "HEAD", "POST"])
def hold(request: HttpRequest, number: str) -> HttpResponse:
    """Hold a domain order, with a reason."""
    node = _node(request, number)
    form = PauseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            held = pausing.hold(node_id=node.pk, by=person(request), **form.cleaned_data)
            more = f" and {held - 1} below it" if held > 1 else ""
            return htmx.go(request, _back(request, node), toast=f"{node.name}{more} on hold. What runs may finish.")
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            for field, texts in refusal.problems.items():
                form.add_error(field or None, texts)
    where = f" at {node.site.name}" if node.site else ""
    context: dict[str, Any] = {
        "order": node.order, "form": form, "title": f"Hold {node.name}", "verb": "Hold", "back": _back(request, node),
        "lead": f"Nothing new of {node.name}{where} starts until it is resumed. The rest of the order goes on.",
        "crumbs": [("Orders", reverse("orders:order_list")), (node.order.number, node.order.get_absolute_url())],
    }  # fmt: skip
    return htmx.respond(request, "orders/panel.html", context, part="panel", status=422 if form.errors else 200)


@allowed("orders.view_order", pausing.RIGHT)
@require_POST
def resume(request: HttpRequest, number: str) -> HttpResponse:
    """Let a held domain order go on."""
    node = _node(request, number)
    going = pausing.resume(node_id=node.pk, by=person(request))
    more = f" and {going - 1} below it" if going > 1 else ""
    return htmx.go(request, _back(request, node), toast=f"{node.name}{more} goes on.")


def _node(request: HttpRequest, number: str) -> DomainOrder:
    rows = DomainOrder.objects.visible_to(person(request)).select_related("order__account", "site")
    found: DomainOrder = get_object_or_404(rows, number=number)
    return found


def _back(request: HttpRequest, node: DomainOrder) -> str:
    came = back(request)
    return came if came != "/" and "/part/" not in came else str(node.order.get_absolute_url())

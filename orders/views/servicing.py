"""Installed products: what can be ordered for one, the dialog that orders it, one more line of a draft."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cmdb.models import Product
from kernel import htmx
from kernel.forms import add_errors
from kernel.refusal import Refusal
from kernel.workspace import allowed, person
from orders import servicing
from orders.forms import ServiceForm, ServiceLineForm
from orders.models import Order, OrderLine
from orders.views.page import lines_page, visible

SHOWN = 8


def _product(request: HttpRequest, number: str) -> Product:
    rows = Product.objects.visible_to(person(request)).select_related("account", "site")
    found: Product = get_object_or_404(rows, number=number)
    return found


@allowed("orders.view_order")
@require_safe
def of_product(request: HttpRequest, number: str) -> HttpResponse:
    """What can be ordered for a product, and the orders that touched it, for its page."""
    product, user = _product(request, number), person(request)
    seen = Order.objects.visible_to(user).values("pk")
    lines = OrderLine.objects.filter(product=product, order__in=seen).select_related("order")
    acts = servicing.offered(product) if user.has_perm("orders.add_order") else []
    context = {
        "product": product, "lines": list(lines.order_by("-order", "-pk")[:SHOWN]), "offered": acts,
        "reasons": list(dict.fromkeys(act.why_not for act in acts if act.why_not)),
    }  # fmt: skip
    return render(request, "orders/of_product.html", context)


@allowed("orders.view_order", "orders.add_order")
@require_http_methods(["GET", "HEAD", "POST"])
def begin(request: HttpRequest, number: str, action: str) -> HttpResponse:
    """Order something for a product, in a dialog; a change goes on to its values."""
    product = _product(request, number)
    word = servicing.WORDS.get(action)  # type: ignore[call-overload]
    if word is None:
        raise Refusal("There is no such thing to order for a product.")
    form = ServiceForm(
        request.POST if request.method == "POST" else None, product=product, action=action, by=person(request)
    )
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        site = values.get("site")
        try:
            order = servicing.order(
                product_id=product.pk, action=action, by=person(request), on=values["on"], note=values["note"],
                site_id=site.pk if site else None,
            )  # fmt: skip
            return _on(request, order.lines.order_by("position").first(), f"{order.number} is a draft.")
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            add_errors(form, refusal)
    where = f", {product.site.name}" if product.site else ""
    context = {"form": form, "url": request.path, "title": f"{word} {product.name}{where}", "word": "Make the draft"}
    return htmx.respond(request, "components/dialog_form.html", context, status=422 if form.errors else 200)


@allowed("orders.add_order")
@require_POST
def add_line(request: HttpRequest, number: str) -> HttpResponse:
    """One more installed product on a draft by hand."""
    order = visible(request, number)
    form = ServiceLineForm(request.POST, order=order, by=person(request))
    if form.is_valid():
        values = form.cleaned_data
        try:
            line = servicing.add_line(
                order_id=order.pk, product_id=values["product"].pk, action=values["action"], by=person(request),
                site_id=values["site"].pk if values["site"] else None,
            )  # fmt: skip
            return _on(request, line, f"{values['product'].name} added.")
        except Refusal as refusal:
            add_errors(form, refusal)
    return lines_page(request, order, service_form=form, status=422)


def _on(request: HttpRequest, line: OrderLine | None, said: str) -> HttpResponse:
    """A change goes on to its values, everything else to the order."""
    if line is None:
        raise Refusal("The order has no line.")
    if line.action == "modify":
        return htmx.go(request, "orders:configure_line", line.order.number, line.pk, toast=f"{said} Say what changes.")
    return htmx.go(request, "orders:lines", line.order.number, toast=said)

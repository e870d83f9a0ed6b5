"""What people do on an order's page: capture, edit, submit, supply values."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from catalog import answering, configuration
from contracts.models import Quote
from crm.models import Account
from kernel import htmx, writing
from kernel.refusal import Refusal
from kernel.workspace import allowed, person
from orders import capture, editing, enrichment, submission
from orders.forms import LineForm, NewOrderForm, OrderForm, typed_lines
from orders.views.page import lines_page, page_asked, values_page, visible


@allowed("orders.add_order")
@require_POST
def from_quote(request: HttpRequest, pk: int) -> HttpResponse:
    """The order of an accepted quote."""
    quote = get_object_or_404(Quote.objects.visible_to(person(request)), pk=pk)
    order = capture.from_quote(quote_id=quote.pk, by=person(request))
    return htmx.go(request, "orders:order", order.number, toast=f"{order.number} is here.")


@allowed("orders.add_order")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """An order by hand."""
    user = person(request)
    start = Account.objects.visible_to(user).filter(number=request.GET.get("account", "")).first()
    form = NewOrderForm(request.POST or None, user=user, initial={"account": start})
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            order = capture.by_hand(
                account_id=values["account"].pk, title=values["title"], requested_on=values["requested_on"],
                reference=values["reference"], by=user,
            )  # fmt: skip
            return htmx.go(request, "orders:order", order.number, toast=f"{order.number} is a draft. Add its lines.")
        except Refusal as refusal:
            _put(form, refusal)
    context = {"form": form, "account": start, "crumbs": [("Orders", reverse("orders:order_list"))]}
    return render(request, "orders/new.html", context, status=422 if form.is_bound else 200)


@allowed("orders.change_order")
@require_POST
def edit(request: HttpRequest, number: str) -> HttpResponse:
    """People, dates and references of the order and its lines."""
    order = visible(request, number)
    form = OrderForm(request.POST, order=order, by=person(request))
    lines, problems = typed_lines(request.POST, set(order.lines.values_list("pk", flat=True)))
    edition = request.POST.get("edition", "")
    if form.is_valid() and not problems:
        try:
            editing.edit(
                order_id=order.pk, by=person(request), changes=form.changes(), lines=lines,
                edition=writing.whole(edition),
            )  # fmt: skip
            to = f"{reverse('orders:lines', args=[order.number])}?page={page_asked(request)}"
            return htmx.go(request, to, toast="Saved.")
        except editing.ChangedMeanwhile as conflict:
            found = {"": [f"{conflict} What you typed is still below; saving again keeps yours."]}
            return lines_page(request, visible(request, number), form=form, problems=found, refused=True, status=409)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            problems = refusal.problems
            _put(form, refusal)
    return lines_page(request, order, form=form, problems=problems or _of_form(form), refused=True, status=422)


@allowed("orders.submit_order")
@require_POST
def submit(request: HttpRequest, number: str) -> HttpResponse:
    """A draft becomes a promise; everything that is wrong comes back at once."""
    order = visible(request, number)
    try:
        submission.submit(order_id=order.pk, by=person(request))
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        return lines_page(request, order, problems=refusal.problems, refused=True, status=422)
    return htmx.go(request, "orders:order", order.number, toast=f"{order.number} is submitted.")


@allowed("orders.add_order")
@require_POST
def add_line(request: HttpRequest, number: str) -> HttpResponse:
    """One more product on a draft by hand."""
    order = visible(request, number)
    form = LineForm(request.POST, order=order, by=person(request))
    if form.is_valid():
        values = form.cleaned_data
        try:
            capture.add_line(
                order_id=order.pk, offering_id=values["offering"].pk, quantity=values["quantity"], by=person(request),
                site_id=values["site"].pk if values["site"] else None,
            )  # fmt: skip
            return htmx.go(request, "orders:lines", order.number, toast=f"{values['offering']} added.")
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            _put(form, refusal)
    return lines_page(request, order, line_form=form, status=422)


@allowed("orders.add_order")
@require_http_methods(["GET", "HEAD", "POST"])
def configure_line(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """What the customer chose for one line of a draft by hand."""
    order = visible(request, number)
    line = get_object_or_404(order.lines.select_related("specification", "offering", "site"), pk=pk)
    values, problems = line.characteristics, {}
    if request.method == "POST":
        unticked = {c.key: "" for c in line.specification.characteristics.all()
                    if c.source == "customer" and (c.type == "boolean" or c.multiple)}  # fmt: skip
        raw = unticked | configuration.posted(line.specification, request.POST)
        try:
            asked = request.POST.get("quantity", str(line.quantity))
            quantity = int(asked) if asked.isdecimal() and len(asked) < 6 else 0
            capture.configure(line_id=line.pk, raw=raw, by=person(request), quantity=quantity)
            return htmx.go(request, "orders:lines", order.number, toast=f"{line.offering} is configured.")
        except Refusal as refusal:
            if refusal.status != 422 or not refusal.problems:
                raise
            problems = refusal.problems
            values = {**values, **raw}
    context = {
        "record": order, "line": line, "fields": configuration.form_fields(
            line.specification, values, problems, account_id=order.account_id
        ),
        "crumbs": [("Orders", reverse("orders:order_list")), (order.number, order.get_absolute_url())],
        "whole": problems.get("", []), "wrong_quantity": problems.get("quantity", []),
        "quantity": request.POST.get("quantity", line.quantity),
    }  # fmt: skip
    return render(request, "orders/configure.html", context, status=422 if problems else 200)


@allowed("orders.add_order")
@require_POST
def remove_line(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Take a line off a draft by hand."""
    order = visible(request, number)
    line = get_object_or_404(order.lines, pk=pk)
    capture.remove_line(line_id=line.pk, by=person(request))
    return htmx.go(request, "orders:lines", order.number, toast="Line removed.")


@allowed("orders.enrich_order")
@require_POST
def supply(request: HttpRequest, number: str) -> HttpResponse:
    """Technical values that were asked for; those left empty stay asked."""
    order = visible(request, number)
    listed = answering.listed(request.POST, "missing-")
    typed = {int(pk): given for pk, given in listed.items() if pk.isdecimal() and len(pk) < 19 and str(given).strip()}
    if not typed:
        return values_page(request, order, problems={"": ["Fill in at least one value."]}, status=422)
    try:
        enrichment.supply_all(order_id=order.pk, values=typed, by=person(request))
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        return values_page(request, order, problems=refusal.problems, status=422)
    return htmx.go(request, "orders:order", order.number, toast=f"{len(typed)} supplied. The order goes on by itself.")


def _put(form: OrderForm | NewOrderForm | LineForm, refusal: Refusal) -> None:
    """The refusal's sentences at the form's fields."""
    for field, texts in refusal.problems.items():
        for text in texts:
            form.add_error(field if field in form.fields else None, text)


def _of_form(form: OrderForm) -> dict[str, list[str]]:
    return {field: [str(text) for text in texts] for field, texts in form.errors.items()}

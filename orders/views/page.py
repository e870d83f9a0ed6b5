"""The order page: head, tree, lines, missing values."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from catalog import answering, configuration
from kernel import htmx
from kernel.models import User
from kernel.workspace import allowed, person
from orders import checks, outline, outlook, promising, queries, questions, reduction, reopening, validation
from orders.forms import LineForm, OrderForm, ServiceLineForm
from orders.models import DomainOrder, Order, PromiseChange
from orders.tree import WALKED

LINES = 100  # on one page
SAID = 60  # problems listed above them
PLACES = {"lines": ("Lines", "lines"), "requested_on": ("Requested date", "id_requested_on")}  # label and anchor
LIVE = frozenset({
    "submitted", "enrichment_in_progress", "awaiting_approval", "approved", "in_progress", "on_hold",
    "awaiting_information",
})  # fmt: skip


def visible(request: HttpRequest, number: str) -> Order:
    """The order if this person may see it. Raises Http404 otherwise."""
    rows = Order.objects.visible_to(person(request)).select_related(
        "account__root", "quote", "contract", "billing_profile", "contact", "manager", "forecast"
    )
    found: Order = get_object_or_404(rows, number=number)
    return found


@allowed("orders.view_order")
@require_safe
def order(request: HttpRequest, number: str) -> HttpResponse:
    """The page's first tab: the tree of an order at work, else its lines."""
    record = visible(request, number)
    if record.state == Order.State.DRAFT or not DomainOrder.objects.filter(order=record).exists():
        return lines_page(request, record)
    return _tree(request, record)


@allowed("orders.view_order")
@require_safe
def tree(request: HttpRequest, number: str) -> HttpResponse:
    """The tree alone with the sums of the head, for the live page; a changed state reloads the page."""
    record = visible(request, number)
    if request.GET.get("state", record.state) != record.state:
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = {**_head(record, request), **_outline(request, record), "oob": True}
    return htmx.respond(request, "orders/order.html", context, part="live")


@allowed("orders.view_order")
@require_safe
def lines(request: HttpRequest, number: str) -> HttpResponse:
    """What was ordered, line by line."""
    return lines_page(request, visible(request, number))


@allowed("orders.view_order")
@require_safe
def values(request: HttpRequest, number: str) -> HttpResponse:
    """Technical values that somebody has to supply."""
    return values_page(request, visible(request, number))


def lines_page(
    request: HttpRequest, record: Order, *, form: OrderForm | None = None, line_form: LineForm | None = None,
    service_form: ServiceLineForm | None = None,
    problems: dict[str, list[str]] | None = None, refused: bool = False, status: int = 200,
) -> HttpResponse:  # fmt: skip
    """The lines with the edit form; on a draft with all that keeps it from being submitted."""
    user = person(request)
    draft = record.state == Order.State.DRAFT
    found = problems or {}
    every = record.lines.select_related("offering", "site", "specification", "product", "contact").order_by(
        "position", "id"
    ).prefetch_related("specification__characteristics")  # fmt: skip
    open_yet = bool(found) or record.state in reduction.BEFORE
    rows = list(every) if open_yet else []
    if draft and problems is None:
        found = validation.problems(record)
    may_edit = user.has_perm("orders.change_order") and record.state not in queries.ENDED
    count, reduces = len(rows) if open_yet else every.count(), reduction.choices(record, rows)
    pages = max((count + LINES - 1) // LINES, 1)
    here = min(page_asked(request), pages)
    shown = list((rows if open_yet else every)[(here - 1) * LINES : here * LINES])
    said = _said(found, rows, reverse("orders:lines", args=[record.number]), here)
    context = {
        "clashes": list(dict.fromkeys(clash.text for clash in checks.horizontal(record, rows))) if draft else [],
        "rows": [{"line": line, "told": _told(line), "problems": _of_line(found, line.pk),
                  "reduces": line.pk in reduces, "configurable": line.action not in WALKED} for line in shown],
        "moved": {line.replaced_by_id for line in shown},
        "here": here, "pages": range(1, pages + 1) if pages > 1 else [], "count": count,
        "form": form or OrderForm(order=record, by=user), "refused": refused, "said": said[:SAID],
        "more_said": max(len(said) - SAID, 0),
        "may_reopen": user.has_perm(reopening.RIGHT) and not reopening.problem(record),
        "may_edit": may_edit, "may_submit": draft and user.has_perm("orders.submit_order"),
        "dates_open": record.state in reduction.BEFORE,
        "posted": request.POST if refused else None, **_by_hand(record, user, line_form, service_form),
    }  # fmt: skip
    return page_of(request, record, "lines", "orders/lines.html", context, status=status)


def _by_hand(
    record: Order, user: User, line_form: LineForm | None, service_form: ServiceLineForm | None
) -> dict[str, Any]:
    """The forms that add lines to a draft without a quote."""
    if record.state != Order.State.DRAFT or record.quote_id or not user.has_perm("orders.add_order"):
        return {"by_hand": False}
    offered = service_form or ServiceLineForm.offered(record, user)
    return {"by_hand": True, "line_form": line_form or LineForm(order=record, by=user), "service_form": offered}


def values_page(
    request: HttpRequest, record: Order, *, problems: dict[str, list[str]] | None = None, status: int = 200
) -> HttpResponse:
    """The form generated from the characteristics that are missing."""
    found = problems or {}
    typed = answering.listed(request.POST, "missing-") if found else {}
    asked = [
        {"row": row, "field": answering.drawn(
            row.characteristic, answering.one(row.characteristic, typed.get(str(row.pk), ""))[0],
            found.get(f"missing-{row.pk}", []), record.account_id, required=True, key=f"missing-{row.pk}",
        )}
        for row in questions.waiting(record)
    ]  # fmt: skip
    filled = record.missing_values.filter(filled_at__isnull=False).select_related(
        "characteristic", "line__site", "filled_by"
    )
    context = {
        "asked": asked, "filled": [
            (row, configuration.told(row.characteristic, row.value)) for row in filled.order_by("-filled_at")[:50]
        ], "whole": found.get("", []),
        "may_fill": request.user.has_perm("orders.enrich_order"),
    }  # fmt: skip
    return page_of(request, record, "values", "orders/values.html", context, status=status)


def _tree(request: HttpRequest, record: Order) -> HttpResponse:
    return page_of(request, record, "tree", "orders/order.html", _outline(request, record))


def _outline(request: HttpRequest, record: Order) -> dict[str, Any]:
    open_only = request.GET.get("show") == "open"
    opened, everything = request.GET.get("open", ""), "all" in request.GET
    drawn = outline.of(record, opened=opened, open_only=open_only, everything=everything)
    return {
        "outline": drawn, "open_only": open_only, "opened": opened, "everything": everything,
        "live": record.state in LIVE, "now": timezone.now(),
    }  # fmt: skip


def page_of(
    request: HttpRequest, record: Order, tab: str, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """One tab of the order's page."""
    return render(
        request, template, {**_head(record, request), "tabs": _tabs(record, tab), "tab": tab, **context}, status=status
    )


def _head(record: Order, request: HttpRequest) -> dict[str, Any]:
    """What the head and the rail of every tab show."""
    failed = outlook.fallen(record)
    steers = person(request).has_perm("orders.steer_order") and record.state in promising.MAY_MOVE
    waiting_for_approval = record.state == Order.State.AWAITING_APPROVAL
    return {
        "record": record, "title": record.title, "head": outline.head(record), "blocked": outlook.blocked_by(
            record, failed, person(request)
        ),
        "next_up": outlook.next_up(record), "may_steer": steers,
        "slips": list(PromiseChange.objects.filter(order=record)[:6]),
        "failed": failed, "crumbs": [
            ("Orders", reverse("orders:order_list")),
            (record.account.name, reverse("crm:account", args=[record.account.number])),
        ],
        "slipped": (record.promised_on - record.first_promised_on).days
        if record.promised_on and record.first_promised_on else 0,
        "checked": checks.of(record) if waiting_for_approval else None,
        "quote_url": record.quote.get_absolute_url() if record.quote else "",
    }  # fmt: skip


def _tabs(record: Order, here: str) -> list[dict[str, Any]]:
    number = [record.number]
    nodes = DomainOrder.objects.filter(order=record).count()
    asked = record.missing_values.filter(filled_at__isnull=True).count()
    found: list[tuple[str, str, int | None, str]] = [
        ("lines", "Lines", record.lines.count(), reverse("orders:lines", args=number))
    ]
    if nodes:
        found = [
            ("tree", "Tree", nodes, reverse("orders:order", args=number)),
            ("graph", "Graph", None, reverse("orders:graph", args=number)),
            ("timeline", "Timeline", None, reverse("orders:timeline", args=number)),
            *found,
        ]
    if asked or record.missing_values.exists():
        found.append(("values", "Missing values", asked, reverse("orders:values", args=number)))
    return [{"label": label, "count": count, "url": url, "here": key == here} for key, label, count, url in found]


def _told(line: Any) -> list[tuple[str, str]]:
    values = line.characteristics
    return [
        (c.name, configuration.told(c, values[c.key]))
        for c in line.specification.characteristics.all()
        if not configuration.is_empty(values.get(c.key))
    ]


def _of_line(found: dict[str, list[str]], pk: int) -> list[str]:
    return [text for field, texts in found.items() if field.startswith(f"line-{pk}-") for text in texts]


def _said(found: dict[str, list[str]], rows: list[Any], lines_url: str, here: int) -> list[tuple[str, str, str]]:
    """(address, label, sentence) for the list at the head of the page; a line may stand on another page."""
    lines_by_pk = {row.pk: row for row in rows}
    said = []
    for field, texts in found.items():
        label, anchor = PLACES.get(field, (field.replace("_", " ").capitalize(), f"id_{field}"))
        if field.startswith("line-"):
            line = lines_by_pk.get(int(field.split("-")[1]))
            label = f"Line {line.position}{f', {line.site.name}' if line.site else ''}" if line else "A line"
            anchor = f"line-{line.pk}" if line else "lines"
            page = rows.index(line) // LINES + 1 if line else 1
            anchor = f"#{anchor}" if page == here else f"{lines_url}?page={page}#{anchor}"
        else:
            anchor = f"#{anchor}"
        said += [(anchor if field else "", label if field else "", text) for text in texts]
    return said


def page_asked(request: HttpRequest) -> int:
    """The page of lines that was asked for, the first when that makes no sense."""
    asked = request.GET.get("page", "")
    return max(int(asked), 1) if asked.isdecimal() and len(asked) < 6 else 1

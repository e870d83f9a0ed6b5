"""Why a domain order is there: its rule and version, what the rule saw, where each value came from."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog import configuration, wording
from catalog.models import Characteristic
from kernel import htmx
from kernel.refusal import Refusal
from kernel.workspace import allowed, person
from orders import explanation, pausing
from orders.explanation import Reason
from orders.models import DomainOrder, Order

ORIGINS = {"kept": "known before the rule could say", "supplied": "supplied by a task, a person or a default"}
HOW = {"same": "the same", "fixed": "fixed by the rule", "table": "by a table", "expression": "calculated"}


@allowed("orders.view_order")
@require_safe
def panel(request: HttpRequest, number: str) -> HttpResponse:
    """One domain order, as a panel beside the tree or as a page."""
    rows = DomainOrder.objects.visible_to(person(request)).select_related("order__account", "specification", "site")
    node = get_object_or_404(rows, number=number)
    reason, problem = None, ""
    try:
        reason = explanation.explain_node(node.order, node)
    except Refusal as refusal:
        problem = str(refusal)
    rule = reason.rule if reason else None
    context = {
        "node": node, "reason": reason, "problem": problem, "title": f"Why {node.name}?",
        "crumbs": [("Orders", reverse("orders:order_list")), (node.order.number, node.order.get_absolute_url())],
        "condition": wording.condition(rule) if rule else "", "number": wording.number(rule) if rule else "",
        "seen": _seen(reason) if reason else [], "values": _values(reason) if reason else [],
        "may_see_rule": request.user.has_perm("catalog.view_decompositionrule"),
        "pause": pausing.why(node), "may_hold": request.user.has_perm(pausing.RIGHT),
        "can_hold": node.state in pausing.MAY_HOLD, "order_runs": node.order.state == Order.State.IN_PROGRESS,
    }  # fmt: skip
    return htmx.respond(request, "orders/why.html", context, part="panel")


def _seen(reason: Reason) -> list[tuple[str, str]]:
    known = _known(reason.rule.source_id) if reason.rule else {}
    return [(wording.name(name, known), _said(value, known.get(name))) for name, value in reason.seen.items()]


def _values(reason: Reason) -> list[dict[str, Any]]:
    known = _known(reason.node.specification_id)
    above = _known(reason.rule.source_id) if reason.rule else {}
    return [
        {
            "name": wording.name(one.to, known), "value": _said(one.value, known.get(one.to)),
            "origin": ORIGINS.get(one.how) or f"{HOW[one.how]}{_where(one.where)}",
            "seen": [] if one.how in ORIGINS or one.how == "same"
            else [(wording.name(name, above), _said(value, above.get(name))) for name, value in one.seen.items()],
        }
        for one in reason.values
    ]  # fmt: skip


def _where(where: str) -> str:
    kind, _, key = where.partition(":")
    said = key.replace("_", " ")
    return {"sibling": f", from the {said} beside it", "related": f", from the nearest {said}"}.get(
        kind, ", from above it"
    )


def _known(specification: int) -> dict[str, Characteristic]:
    return {c.key: c for c in Characteristic.objects.filter(specification=specification)}


def _said(value: Any, characteristic: Characteristic | None) -> str:
    if configuration.is_empty(value):
        return "nothing yet"
    return configuration.told(characteristic, value) if characteristic else configuration.plain_value(value)

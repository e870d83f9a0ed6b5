"""One record: what went wrong, how to mend it, what was tried."""

from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from catalog import answering
from fallout import resolution, showing, triage
from fallout.forms import OwnerForm
from fallout.models import Fallout
from kernel import htmx, workspace
from kernel.models import User
from kernel.picking import chosen
from kernel.refusal import Refusal
from kernel.views.records import back
from orders import withdrawal
from orders.models import DomainOrder, Order

VALUE = "value-"
SAID = {
    "retry": "{0} is retried.",
    "look": "The order of {0} is set going again.",
    "edit": "{0} is retried with the new values.",
    "hand": "{0} is completed by hand.",
    "skip": "The task of {0} is skipped.",
    "cancel": "The line of {0} is given up.",
    "take": "{0} is yours.",
    "assign": "{0} has a new owner.",
    "classify": "{0} is classified.",
    "escalate": "The managers were told of {0}.",
    "hold": "{0} is on hold.",
    "await": "{0} waits for information; its clock stands.",
    "resume": "{0} goes on.",
}


@workspace.allowed("fallout.view_fallout")
@require_safe
def page(request: HttpRequest, number: str) -> HttpResponse:
    """The record's own page."""
    return _page(request, showing.show(_record(request, number), workspace.person(request)))


@workspace.allowed("fallout.view_fallout")
@require_safe
def of_task(request: HttpRequest, number: str) -> HttpResponse:
    """The latest record of a task, for pages below that know the task only."""
    found = Fallout.objects.visible_to(workspace.person(request)).filter(task__number=number).order_by("-pk")
    record = get_object_or_404(found[:1])
    return redirect("fallout:record", record.number)


@workspace.allowed("fallout.view_fallout")
@require_safe
def of_order(request: HttpRequest, number: str) -> HttpResponse:
    """What is open in an order, as a list; for pages below that know the order only."""
    return redirect(f"{reverse('fallout:fallout_every')}?standing=open&q={number}")


@workspace.allowed("fallout.view_fallout", withdrawal.RIGHT)
@require_safe
def line_scope(request: HttpRequest, number: str) -> HttpResponse:
    """What cancelling the record's line would touch, read when its form is opened."""
    record = _record(request, number)
    flow = record.task.flow_id if record.task else None
    node = DomainOrder.objects.filter(flow=flow).values("pk", "line", "order").first() if flow else None
    found = withdrawal.scope(Order.objects.get(pk=node["order"]), [node["line"]]) if node else None
    shared = bool(node and found and not found.why_not and node["pk"] not in found.nodes)
    context = {"scope": found, "shared": shared, "record": record}
    return htmx.respond(request, "fallout/scope.html", context, part="scope")


@workspace.allowed("fallout.view_fallout")
@require_POST
def act(request: HttpRequest, number: str, name: str) -> HttpResponse:
    """One act on a record; a refusal that names a field comes back with the form, as typed."""
    record, user = _record(request, number), workspace.person(request)
    if name not in SAID:
        raise BadRequest("There is no such act.")
    typed = answering.listed(request.POST, VALUE)
    reason = request.POST.get("reason", "")
    try:
        _do(name, record.pk, user, typed, reason, request)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        shown = showing.show(record, user)
        shown.opened, shown.problems, shown.typed = name, refusal.problems, typed | {"reason": reason}
        return _page(request, shown, status=422)
    return htmx.go(request, back(request), toast=SAID[name].format(number))


def _do(name: str, pk: int, user: User, typed: dict[str, Any], reason: str, request: HttpRequest) -> None:
    sent = request.POST
    acts: dict[str, Any] = {
        "retry": lambda: resolution.retry(fallout_id=pk, by=user, note=reason),
        "look": lambda: resolution.look_again(fallout_id=pk, by=user, note=reason),
        "edit": lambda: resolution.edit_and_retry(fallout_id=pk, by=user, raw=typed, note=reason),
        "hand": lambda: resolution.complete_by_hand(fallout_id=pk, by=user, values=typed, reason=reason),
        "skip": lambda: resolution.skip(fallout_id=pk, by=user, reason=reason),
        "cancel": lambda: resolution.cancel_line(
            fallout_id=pk, by=user, reason=reason, ends_as=sent.get("ends_as", "")
        ),
        "take": lambda: resolution.take(fallout_id=pk, by=user),
        "assign": lambda: resolution.assign(fallout_id=pk, to=chosen(OwnerForm(sent, by=user), "owner"), by=user),
        "classify": lambda: triage.classify(
            fallout_id=pk, by=user, type=sent.get("type", ""), severity=sent.get("severity", ""),
            team=sent.get("team", ""),
        ),
        "escalate": lambda: triage.escalate(fallout_id=pk, by=user, reason=reason),
        "hold": lambda: resolution.hold(fallout_id=pk, by=user, reason=reason),
        "await": lambda: resolution.await_information(fallout_id=pk, by=user, reason=reason),
        "resume": lambda: resolution.resume(fallout_id=pk, by=user),
    }  # fmt: skip
    acts[name]()


def teams() -> list[str]:
    """Names of teams that mend, for a field that suggests them."""
    known = Fallout.objects.order_by("team").values_list("team", flat=True).distinct()
    return list(known[:60])


def _record(request: HttpRequest, number: str) -> Fallout:
    found = showing.rows(Fallout.objects.visible_to(workspace.person(request)))
    record: Fallout = get_object_or_404(found, number=number)
    return record


def _page(request: HttpRequest, shown: showing.Shown, status: int = 200) -> HttpResponse:
    plain = not getattr(request, "htmx", False) or request.htmx.boosted  # type: ignore[attr-defined]
    came = request.POST.get("back", "")
    context = {
        "record": shown.record,
        "shown": shown,
        "title": shown.record.cause,
        "crumbs": [("Fallout", reverse("fallout:fallout_list"))],
        "back": came,
        "page_view": plain or came.partition("?")[0] == shown.record.get_absolute_url(),
    }
    return htmx.respond(request, "fallout/record.html", context | choices(request), part="body", status=status)


def choices(request: HttpRequest) -> dict[str, Any]:
    """What the forms of a record offer."""
    user = workspace.person(request)
    may = user.has_perm(resolution.ASSIGN)
    return {
        "giving": OwnerForm(request.POST if "owner" in request.POST else None, by=user) if may else None,
        "types": Fallout.Type.choices,
        "severities": Fallout.Severity.choices,
        "all_teams": teams(),
    }

"""The simulated network for those who try the engine: what goes wrong in it, and what had an effect."""

import datetime as dt
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from fulfillment.forms.faults import FaultForm
from fulfillment.models import Task
from fulfillment.simulator import control
from kernel import htmx, workspace
from kernel.refusal import Conflict

SEES, SETS = "fulfillment.view_breaker", "fulfillment.change_capacity"


@workspace.allowed(SEES)
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Faults and effects of the network that runs."""
    return _page(request, FaultForm())


@workspace.allowed(SEES, SETS)
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Set one more fault."""
    _require_simulated()
    form = FaultForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    _told(lambda: control.add([form.fault()]))
    return htmx.go(request, "fulfillment:network", toast="The fault is set. It meets the calls from now on.")


@workspace.allowed(SEES, SETS)
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Take one fault away, or all of them."""
    _require_simulated()
    which = request.POST.get("fault", "")
    _told(lambda: control.replace([one for at, one in enumerate(control.faults()) if which and str(at) != which]))
    said = "The fault is taken away." if which else "All faults are taken away."
    return htmx.go(request, "fulfillment:network", toast=said)


def _require_simulated() -> None:
    """Raises Http404 where every system is a real one."""
    if not control.in_use():
        raise Http404("No system is simulated here.")


def _told(act: Any) -> None:
    try:
        act()
    except control.NoNetwork as error:
        raise Conflict(str(error)) from error


def _page(request: HttpRequest, form: FaultForm, *, status: int = 200) -> HttpResponse:
    _require_simulated()
    context: dict[str, Any] = {
        "form": form, "may_set": workspace.person(request).has_perm(SETS),
        "crumbs": [("Engine", reverse("fulfillment:engine"))],
    }  # fmt: skip
    try:
        effects = control.effects()
        context |= {
            "faults": [_worded(at, fault) for at, fault in enumerate(control.faults())], "effects": effects,
            "recent": _recent(effects["recent"]),
        }  # fmt: skip
    except control.NoNetwork as error:
        context["silent"] = str(error)
    return htmx.respond(request, "fulfillment/network.html", context, status=status)


def _worded(at: int, fault: dict[str, Any]) -> dict[str, Any]:
    share = fault.get("share")
    operation = str(fault.get("operation") or "*")
    return {
        "at": at, "kind": control.FAULTS.get(str(fault.get("kind")), str(fault.get("kind"))),
        "operation": "any call" if operation == "*" else operation,
        "share": f"{float(share) * 100:g} %" if share is not None else "every one",
        "where": ", ".join(f"{name} {value}" for name, value in (fault.get("match") or {}).items()),
        "left": "until taken away" if int(fault.get("times", 1)) < 0 else f"{fault.get('times')} more",
    }  # fmt: skip


def _recent(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = dict(Task.objects.filter(number__in=[row["task"] for row in rows]).values_list("number", "name"))
    return [
        row | {"at": dt.datetime.fromtimestamp(row["at"], dt.UTC), "name": names.get(str(row["task"]), "")}
        for row in rows
    ]

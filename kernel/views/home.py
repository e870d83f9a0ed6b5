"""Home: what needs this person, and the panels of their roles."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from kernel import home, reporting, workspace

SHOWN = 8  # next actions before “all”


@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Next actions worst first, figures, role panels; a customer is sent to the portal."""
    user = workspace.person(request)
    if not user.has_perm("kernel.use_workspace"):
        try:
            portal = reverse("portal:home")
        except NoReverseMatch:
            portal = ""
        if portal and "customer" in user.roles:
            return redirect(portal)
        raise PermissionDenied("Your account has no role in this workspace. Ask an administrator to give you one.")
    actions = home.actions_for(user)
    everything = "all" in request.GET
    context = {
        "actions": actions if everything else actions[:SHOWN],
        "count": sum(action.stands_for for action in actions),
        "more": 0 if everything else max(0, len(actions) - SHOWN),
        "figures": home.figures_for(user),
        "blocks": home.blocks_for(user),
        "board": reporting.own_board(user),
        "now": timezone.localtime(),
    }
    return render(request, "home.html", context)


@login_required
@require_safe
def block(request: HttpRequest, key: str) -> HttpResponse:
    """One panel of the home page."""
    user = workspace.person(request)
    found = home.block(key)
    if found is None or found.rows is None or not user.has_perm(found.permission):
        raise Http404("There is no such panel.")
    return render(request, "home.html#block_rows", {"block": found, "rows": list(found.rows(user))[:SHOWN]})

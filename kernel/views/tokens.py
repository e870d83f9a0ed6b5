"""A person's own tokens: made for a script, shown once, revoked."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from kernel import frame, htmx, tokenkeeping
from kernel.models import PersonalToken
from kernel.refusal import Refusal
from kernel.rest import resource, scopes
from kernel.workspace import person

DAYS = ((30, "30 days"), (90, "90 days"), (365, "One year"))


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def listing(request: HttpRequest) -> HttpResponse:
    """Tokens that hold, and a form for another one."""
    user, shown, problems, status = person(request), "", {}, 200
    if request.method == "POST":
        chosen = [one for one in request.POST.getlist("scopes") if one in scopes.every()]
        days = request.POST.get("days", "")
        name = request.POST.get("name", "").replace("\x00", "")
        try:
            number = int(days) if days.isdecimal() and len(days) < 5 else 0
            _, shown = tokenkeeping.make(user=user, name=name, scopes=chosen, days=number)
        except Refusal as refusal:
            problems, status = refusal.problems, 422
    context = {
        "tokens": PersonalToken.objects.filter(user=user, revoked_at=None), "shown": shown, "problems": problems,
        "whole": problems.get(""), "apis": resource.apis(), "days": DAYS, "typed": request.POST if problems else {},
        "chosen": request.POST.getlist("scopes") if problems else [],
        "base": frame.base(user),
    }  # fmt: skip
    return render(request, "tokens.html", context, status=status)


@login_required
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one back."""
    try:
        tokenkeeping.revoke(token_id=pk, user=person(request))
    except PersonalToken.DoesNotExist:
        raise Http404("There is no such token.") from None
    return htmx.go(request, "tokens", toast="The token is revoked.")

"""Looking on: whom to see the product as, and why; and the end of it."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from kernel import htmx, lookingon
from kernel.forms import LookOnForm, add_errors
from kernel.middleware import LookingOn
from kernel.refusal import Refusal
from kernel.workspace import allowed, person


@allowed(lookingon.RIGHT)
@require_http_methods(["GET", "HEAD", "POST"])
def begin(request: HttpRequest) -> HttpResponse:
    """Choose somebody; from then on every page is as they see it."""
    user = person(request)
    form = LookOnForm(request.POST or None, person=user)
    if request.method == "POST" and form.is_valid():
        try:
            held = lookingon.begin(person=form.cleaned_data["seen_as"], reason=form.cleaned_data["reason"], by=user)
        except Refusal as refusal:
            add_errors(form, refusal)
        else:
            request.session[LookingOn.KEY] = held
            return htmx.go(request, "home")
    return htmx.respond(request, "look_on.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """Be oneself again."""
    if held := request.session.pop(LookingOn.KEY, None):
        lookingon.end(held=held, by=person(request))
    return htmx.go(request, "home", toast="You see your own pages again.")

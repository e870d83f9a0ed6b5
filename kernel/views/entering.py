"""Log-in: name and password, then the code of an authenticator for those who want one; and the page to want one."""

import base64
import time
from typing import Any

from django.conf import settings
from django.contrib.auth import login, views
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from kernel import frame, htmx, secondfactor, workspace
from kernel.forms import CodeForm, LogIn, add_errors
from kernel.models import User
from kernel.refusal import Refusal

BACKEND = "django.contrib.auth.backends.ModelBackend"
HALFWAY = "entering"
PATIENCE = 600  # seconds between the password and the code


class Enter(views.LoginView):
    """The log-in page. A password alone opens the door only for those without a second factor."""

    authentication_form = LogIn
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        """Let them in, or ask for the code."""
        user: User = form.get_user()
        if not secondfactor.wanted(user):
            return super().form_valid(form)
        self.request.session.cycle_key()
        self.request.session[HALFWAY] = {"user": user.pk, "next": self.get_success_url(), "at": time.time()}
        return redirect("login_code")


@never_cache
@require_safe
def administration(request: HttpRequest) -> HttpResponse:
    """Where the administration sends whom it does not let in: to the log-in page, or the refusal for who has done that.

    Raises PermissionDenied.
    """
    if request.user.is_authenticated and not request.user.is_staff:
        raise PermissionDenied("Your roles do not include the administration.")
    return redirect(reverse("login", query=request.GET))


def locked_out(request: HttpRequest, *_: object) -> HttpResponse:
    """What django-axes shows after too many tries: the same page, whether or not there is anybody of that name."""
    form = LogIn(request, data=request.POST)
    form.is_bound = False
    context = {"form": form, "locked": settings.AXES_COOLOFF_TIME, "next": request.POST.get("next", "")}
    return render(request, "registration/login.html", context, status=429)


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The second step: the code of the app, or a spare one."""
    halfway = request.session.get(HALFWAY, {})
    user = User.objects.filter(pk=halfway.get("user"), is_active=True).first()
    if user is None or time.time() - halfway.get("at", 0) > PATIENCE:
        return redirect("login")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if secondfactor.passes(user=user, code=form.cleaned_data["code"]):
            login(request, user, backend=BACKEND)
            request.session.pop(HALFWAY, None)
            return redirect(_safe(request, halfway.get("next", "")))
        form.add_error("code", secondfactor.WRONG)
    return render(request, "registration/code.html", {"form": form}, status=422 if form.errors else 200)


def _safe(request: HttpRequest, to: str) -> str:
    fits = url_has_allowed_host_and_scheme(to, {request.get_host()}, require_https=request.is_secure())
    return to if fits else resolve_url(settings.LOGIN_REDIRECT_URL)


@login_required
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def second(request: HttpRequest) -> HttpResponseBase:
    """Whether a code is asked for: the key for the app and its first code, or the way to do without."""
    user = workspace.person(request)
    form, spares, held = CodeForm(request.POST or None), [], secondfactor.wanted(user)
    if request.method == "POST" and form.is_valid():
        try:
            if held:
                secondfactor.drop(user=user, code=form.cleaned_data["code"])
                return htmx.go(request, "profile", toast="Your log-in asks for the password only.")
            spares = secondfactor.confirm(user=user, code=form.cleaned_data["code"])
        except Refusal as error:
            add_errors(form, error)
    context = {
        "form": form, "held": held, "spares": spares,
        "base": frame.base(user),
    }  # fmt: skip
    if not held and not spares:
        device = secondfactor.begin(user)
        key = base64.b32encode(device.bin_key).decode()
        context |= {
            "key": key, "groups": [key[at : at + 4] for at in range(0, len(key), 4)], "address": device.config_url,
            "picture": secondfactor.picture(device),
        }  # fmt: skip
    return render(request, "second_factor.html", context, status=422 if form.errors else 200)

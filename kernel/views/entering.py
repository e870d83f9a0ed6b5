"""Log-in: name and password, then the code of an authenticator for those who want one; and the page to want one."""

import time
from typing import Any

from django.conf import settings
from django.contrib.auth import login, views
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from kernel import guarding, htmx, secondfactor, workspace
from kernel.forms import CodeForm, LogIn, add_errors
from kernel.models import LogInTry, User
from kernel.refusal import Refusal

BACKEND = "kernel.guarding.Guarded"
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
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The second step: the code of the app, or a spare one. Tries are counted like those of passwords."""
    halfway = request.session.get(HALFWAY, {})
    user = User.objects.filter(pk=halfway.get("user"), is_active=True).first()
    if user is None or time.time() - halfway.get("at", 0) > PATIENCE:
        return redirect("login")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name, address = f"code of {user.pk}", request.META.get("REMOTE_ADDR")
        tried = LogInTry.objects.create(name=name, address=address)
        if guarding.locked(name, address, tried):
            form.add_error("code", "Too many codes were wrong. Wait a quarter of an hour.")
        elif secondfactor.passes(user=user, code=form.cleaned_data["code"]):
            LogInTry.objects.filter(name=name).delete()
            login(request, user, backend=BACKEND)
            request.session.pop(HALFWAY, None)
            return redirect(_safe(request, halfway.get("next", "")))
        else:
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
    key = "" if held or spares else secondfactor.begin(user)
    context = {
        "form": form, "held": held, "spares": spares, "key": key, "address": secondfactor.address(user, key),
        "groups": [key[at : at + 4] for at in range(0, len(key), 4)],
        "base": "base.html" if user.has_perm("kernel.use_workspace") else "plain.html",
    }  # fmt: skip
    return render(request, "second_factor.html", context, status=422 if form.errors else 200)

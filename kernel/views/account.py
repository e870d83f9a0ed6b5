"""A person's own settings: profile, theme; and the page of who may do what."""

import zoneinfo
from typing import Any

from django.apps import apps
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from kernel import frame, htmx, roles, workspace
from kernel.forms import ProfileForm
from kernel.models.people import User


@login_required
def profile(request: HttpRequest) -> HttpResponse:
    """Name, job title, time zone, theme."""
    user = workspace.person(request)
    form = ProfileForm(request.POST if request.method == "POST" else None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        return htmx.go(request, "profile", toast="Your settings are saved.")
    context = {"form": form, "zones": sorted(zoneinfo.available_timezones()), "base": frame.base(user)}
    return render(request, "profile.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme."""
    chosen = request.POST.get("theme", "")
    if chosen in dict(User._meta.get_field("theme").choices or []):
        User.objects.filter(pk=workspace.person(request).pk).update(theme=chosen)
    back = request.META.get("HTTP_REFERER", "/")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(back if safe else "/")


@workspace.allowed("kernel.use_workspace")
@require_safe
def permissions(request: HttpRequest) -> HttpResponse:
    """Who may do what: rights by role, as the code grants them."""
    granted = roles.granted()
    names = sorted({name for rights in granted.values() for name in rights})
    groups: dict[str, list[dict[str, Any]]] = {}
    for name in names:
        row = {"right": roles.sentence(name), "has": [name in granted[role] for role in roles.ROLES]}
        groups.setdefault(str(apps.get_app_config(name.partition(".")[0]).verbose_name), []).append(row)
    mine = workspace.person(request).roles
    heads = [{"key": key, "label": label, "mine": key in mine} for key, label in roles.ROLES.items()]
    return render(request, "permissions.html", {"groups": groups, "roles": heads})

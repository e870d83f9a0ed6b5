"""Inbox: what a person was told."""

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from kernel import frame, htmx, workspace
from kernel import notifications as notices
from kernel.models.activity import Notification
from kernel.models.people import User

PANEL = 8
PAGE = 100


@login_required
@require_safe
def panel(request: HttpRequest) -> HttpResponse:
    """The latest notifications, for the bell."""
    notes = notices.shown(workspace.person(request)).order_by("-id")[:PANEL]
    return render(request, "notifications.html#panel", {"notes": notes})


@login_required
@require_safe
def notifications(request: HttpRequest) -> HttpResponse:
    """All recent notifications, unread first."""
    mine = notices.shown(workspace.person(request))
    notes = mine.order_by("-id")[:PAGE]
    context = {
        "notes": notes, "unread_count": mine.filter(read_at__isnull=True).count(),
        "base": frame.base(workspace.person(request)),
    }  # fmt: skip
    return render(request, "notifications.html", context)


@login_required
@require_safe
def open_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark one as read and go where it points."""
    note = get_object_or_404(Notification, pk=pk, user=workspace.person(request))
    if note.read_at is None and not hasattr(request, "looking_on"):
        Notification.objects.filter(pk=pk).update(read_at=timezone.now())
        _forget_count(workspace.person(request))
    safe = note.url.startswith("/") and url_has_allowed_host_and_scheme(note.url, {request.get_host()})
    return redirect(note.url if safe else "notifications")


@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark all as read."""
    user = workspace.person(request)
    notices.shown(user).filter(read_at__isnull=True).update(read_at=timezone.now())
    _forget_count(user)
    return htmx.go(request, "notifications", toast="All read.")


def _forget_count(user: User) -> None:
    cache.delete(f"nav:notifications:{user.pk}")

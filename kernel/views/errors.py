"""Error pages that say why: the reason an act or a guard gave is for the reader."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 with the reason, when it was worded for readers."""
    from django.core.exceptions import BadRequest

    return render(
        request, "400.html", {"reason": _said(exception) if isinstance(exception, BadRequest) else ""}, status=400
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403 with the missing right."""
    return render(
        request, "403.html", {"reason": _said(exception) if isinstance(exception, PermissionDenied) else ""}, status=403
    )


def _said(exception: Exception) -> str:
    return str(exception.args[0])[:400] if exception.args else ""

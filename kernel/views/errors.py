"""Error pages that say why: the reason an act or a guard gave is for the reader."""

import json
import sys

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader

RETRY_AFTER = 5  # seconds until a database that went away is worth another try
AWAY = "Trunkline cannot reach its records just now. Try again in a moment."


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


def broken(request: HttpRequest) -> HttpResponse:
    """503 with the time to come back while the database is away, whichever layer noticed it; else the fault is ours."""
    if not isinstance(sys.exc_info()[1], (OperationalError, InterfaceError)):
        return HttpResponse(loader.render_to_string("500.html"), status=500)
    if request.headers.get("HX-Request") == "true":
        response = HttpResponse(status=503)
        response["HX-Reswap"] = "none"
        response["HX-Trigger"] = json.dumps({"toast": {"text": AWAY, "kind": "bad"}})
    else:
        response = HttpResponse(loader.render_to_string("503.html"), status=503)
    response["Retry-After"] = str(RETRY_AFTER)
    return response


def _said(exception: Exception) -> str:
    return str(exception.args[0])[:400] if exception.args else ""

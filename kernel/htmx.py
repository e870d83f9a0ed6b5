"""Answers for pages and fragments: the server picks the part, messages travel as events."""

import json
from collections.abc import Iterable
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import content_disposition_header, url_has_allowed_host_and_scheme

from kernel.refusal import Refusal
from kernel.saying import said

CSV = "text/csv; charset=utf-8"


def respond(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    part: str = "",
    status: int = 200,
    toast: str = "",
) -> HttpResponse:
    """Render the page, or for an htmx request the named part of it (`{% partialdef part %}`).

    `toast` shows a message: as an HX-Trigger event on a fragment, as a Django message on a page.
    """
    fragment = bool(part) and bool(getattr(request, "htmx", False)) and not request.htmx.boosted  # type: ignore[attr-defined]
    if toast and not fragment:
        messages.success(request, toast)
    response = render(request, f"{template}#{part}" if fragment else template, context, status=status)
    if toast and fragment:
        response["HX-Trigger"] = json.dumps({"toast": {"text": said(toast)}})
    return response


def go(request: HttpRequest, to: Any, *args: Any, toast: str = "", **kwargs: Any) -> HttpResponse:
    """Redirect after a successful act, for a plain form and for htmx alike."""
    if toast:
        messages.success(request, toast)
    if getattr(request, "htmx", False):
        return HttpResponse(headers={"HX-Redirect": resolve_url(to, *args, **kwargs)})
    return redirect(resolve_url(to, *args, **kwargs))


def way_back(request: HttpRequest, otherwise: str) -> str:
    """Where `back` in what was sent or in the address leads, if that is a page of ours; else the given place."""
    back = request.POST.get("back") or request.GET.get("back", "")
    ours = back.startswith("/") and url_has_allowed_host_and_scheme(back, {request.get_host()})
    return back if ours else otherwise


def download(content: str | bytes | Iterable[str], name: str, kind: str = CSV) -> HttpResponse:
    """A file to keep, whole or line by line; the browser never runs it."""
    whole = isinstance(content, str | bytes)
    answer = HttpResponse(content, content_type=kind) if whole else StreamingHttpResponse(content, content_type=kind)
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    answer["X-Content-Type-Options"] = "nosniff"
    return cast(HttpResponse, answer)


def refuse(request: HttpRequest, error: Refusal) -> HttpResponse:
    """The refusal in words: as a toast event for htmx (nothing is swapped), as a page otherwise."""
    if getattr(request, "htmx", False):
        response = HttpResponse(status=error.status)
        response["HX-Reswap"] = "none"
        response["HX-Trigger"] = json.dumps({"toast": {"text": said(str(error)), "kind": "bad"}})
        return response
    return render(request, "refused.html", {"problems": error.problems, "status": error.status}, status=error.status)

"""Search: the page and the palette's list."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from kernel import finding, following, frame, reading, workspace
from kernel.saying import said


@workspace.allowed("kernel.use_workspace")
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Results by kind. One exact number goes straight to its record."""
    user = workspace.person(request)
    text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    found = finding.find(user, text, limit=5 if "palette" in request.GET else 20)
    if "palette" in request.GET:
        recent = [] if text else following.recent(user, limit=5)
        context = {"q": text, "found": found, "places": _places(request, text), "recent": recent}
        with reading.at_once():
            return render(request, "search.html#palette", context)
    exact = [one for _, results in found for one in results if one.number and one.number.lower() == text.lower()]
    if len(exact) == 1:
        return redirect(exact[0].url)
    total = sum(len(results) for _, results in found)
    with reading.at_once():
        return render(request, "search.html", {"q": text, "found": found, "total": total})


def _places(request: HttpRequest, text: str) -> list[dict[str, Any]]:
    """Pages and new entries whose name fits, in the reader's language or as the code names them."""
    wanted = text.lower()
    places = [{**entry, "kind": group or "Go to"} for group, entries in frame.navigation(request) for entry in entries]
    places += [
        {**entry, "label": entry["text"], "kind": "New"} for entry in frame.new_entries(workspace.person(request))
    ]
    told = [{**place, "label": said(place["label"]), "also": place["label"]} for place in places]
    fitting = [place for place in told if wanted in f"{place['label']}\n{place['also']}".lower()]
    return fitting[: 6 if text else 30]

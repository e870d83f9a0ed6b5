"""The search of a record picker."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kernel import choosing
from kernel.workspace import person


@login_required
@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    """What fits, for the list below the field."""
    kind, rows = choosing.read(request.GET.get("slip", ""), person(request))
    found, more = choosing.choices(kind, rows, request.GET.get("q", ""))
    return render(request, "components/picker.html#found", {"found": found, "more": more})

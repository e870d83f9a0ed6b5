"""Quotes: the list, opening one, its head."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from kernel import workspace


@workspace.allowed("contracts.view_quote")
@require_safe
def page(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """One version."""
    return HttpResponse("")

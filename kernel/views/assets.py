"""The icon sprite."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from kernel import icons


@require_safe
def sprite(request: HttpRequest) -> HttpResponse:
    """One file of all icons in use; its URL carries a hash of the content, so browsers keep it."""
    response = HttpResponse(icons.sprite(), content_type="image/svg+xml")
    response["Cache-Control"] = "public, max-age=31536000, immutable" if "v" in request.GET else "public, max-age=300"
    return response

"""Where a client gets its token: POST with its id and secret (OAuth2 client credentials, RFC 6749 section 4.4)."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from oauth2_provider.views import TokenView

from kernel import audit
from kernel.rest import access, service
from kernel.rest.errors import ApiError

RATE = 60  # requests a minute from one address

_issue: Any = TokenView.as_view()


@csrf_exempt
@sensitive_post_parameters("client_secret")
def token(request: HttpRequest) -> HttpResponse:
    """A bearer token for an hour."""
    try:
        if request.method != "POST":
            raise ApiError(405, "Send a POST.", headers={"Allow": "POST"})
        access.require_pace(f"token:{audit.origin.get().address}", RATE)
        if request.POST.get("grant_type") not in (None, "client_credentials"):
            return service.answered({"error": "unsupported_grant_type"}, 400)
        issued: HttpResponse = _issue(request)
    except Exception as error:  # nothing may leave as a page
        return service.refuse(error)
    return issued

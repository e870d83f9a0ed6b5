"""Pages for integrators: which APIs there are, what each offers, and a form to try them with a token."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kernel.rest import openapi as definitions
from kernel.rest import resource
from kernel.rest.resource import Api


def _api(key: str) -> Api:
    found = resource.api(key)
    if found is None:
        raise Http404("There is no such API.")
    return found


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Every API with its version and its address."""
    return render(request, "api/index.html", {"apis": resource.apis()})


@require_safe
def page(request: HttpRequest, key: str) -> HttpResponse:
    """One API: its operations, its filters, and a try."""
    api = _api(key)
    root = request.build_absolute_uri("/")[:-1]
    context = {"api": api, "operations": definitions.operations(api), "root": root, "apis": resource.apis()}
    return render(request, "api/page.html", context)


@require_safe
def openapi(request: HttpRequest, key: str) -> HttpResponse:
    """The definition as a file."""
    return JsonResponse(definitions.document(_api(key), request.build_absolute_uri("/")[:-1]))

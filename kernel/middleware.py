"""Middleware: where a request comes from, and refusals as answers."""

import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from kernel import audit, htmx
from kernel.refusal import Refusal

Handler = Callable[[HttpRequest], HttpResponse]


class Origin:
    """Notes request id and address for the audit trail."""

    def __init__(self, handle: Handler) -> None:
        self.handle = handle

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = audit.origin.set(audit.Origin(uuid.uuid4().hex, request.META.get("REMOTE_ADDR")))
        try:
            return self.handle(request)
        finally:
            audit.origin.reset(token)


class Refusals:
    """Answers a Refusal that no view caught: the reason in words, with the refusal's status."""

    def __init__(self, handle: Handler) -> None:
        self.handle = handle

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.handle(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return htmx.refuse(request, error) if isinstance(error, Refusal) else None

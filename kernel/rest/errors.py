"""Errors as TMF630 writes them: code, reason, message, status, and the place in the body or query."""

from collections.abc import Iterable
from typing import Any

from kernel.refusal import Refusal

CODES = {
    400: "invalidRequest", 401: "unauthenticated", 403: "notPermitted", 404: "notFound", 405: "methodNotAllowed",
    409: "conflict", 411: "lengthRequired", 412: "changedMeanwhile", 413: "tooLarge", 415: "unsupportedMediaType",
    422: "keyUsed", 429: "tooManyCalls", 500: "internalError", 501: "notImplemented", 503: "unavailable",
}  # fmt: skip
REASONS = {
    400: "The request is not right", 401: "Who are you?", 403: "Not permitted", 404: "Not found",
    405: "This method is not there", 409: "The state does not allow it", 411: "Say how long the body is",
    412: "Changed meanwhile", 413: "Too large", 415: "Unsupported media type", 422: "The key was used already",
    429: "Too many calls", 500: "Something broke", 501: "Not implemented", 503: "Not available at the moment",
}  # fmt: skip

Problem = tuple[str, str]  # JSON path or query attribute, sentence


class ApiError(Refusal):
    """What this interface will not do. `found` are the problems with their places, `headers` go with the answer."""

    def __init__(
        self, status: int, message: str, found: Iterable[Problem] = (), headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.found = list(found)
        self.headers = headers or {}


def invalid(path: str, message: str) -> ApiError:
    """One thing at one place is wrong with the request itself."""
    return ApiError(400, message, [(path, message)])


def body(status: int, message: str, found: Iterable[Problem] = (), reference: str = "") -> dict[str, Any]:
    """The error as JSON."""
    said: dict[str, Any] = {
        "code": CODES.get(status, "error"), "reason": REASONS.get(status, "Error")[:255], "message": message,
        "status": str(status), "@type": "Error",
    }  # fmt: skip
    if problems := [{"path": path, "message": text} for path, text in found]:
        said["errors"] = problems
    if reference:
        said["referenceError"] = reference
    return said


def of_refusal(refusal: Refusal, path_of: Any = None) -> tuple[int, str, list[Problem]]:
    """Status, message and problems of any refusal; `path_of` turns the act's field names into JSON paths.

    What an act refuses because of what was sent is a wrong request here: the published definitions know no 422.
    """
    if isinstance(refusal, ApiError):
        return refusal.status, str(refusal), refusal.found
    name = path_of or (lambda field: f"$.{field}" if field else "$")
    found = [(name(field), text) for field, texts in refusal.problems.items() for text in texts]
    status = 400 if refusal.status == Refusal.status else refusal.status
    return status, " ".join(text for _, text in found[:3]) or str(refusal), found

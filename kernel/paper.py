"""Paper: whoever sets documents as PDF says so here, so that the kernel can hand out PDF files without knowing how."""

from typing import Any

from django.utils.module_loading import import_string

_printers: list[str] = []


def use(path: str) -> None:
    """Register the printer, a dotted path to `pdf(template, context, title=…) -> bytes`; it is loaded when needed."""
    _printers[:] = [path]


def pdf(template: str, context: dict[str, Any], *, title: str) -> bytes:
    """The template as a PDF file with the provider's head. Raises LookupError where nobody prints."""
    if not _printers:
        raise LookupError("no printer is registered")
    found: bytes = import_string(_printers[0])(template, context, title=title)
    return found

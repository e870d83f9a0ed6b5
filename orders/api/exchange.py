"""The exchange between installations: a partner reads the documents of its orders that a customer may see."""

import base64
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from crm.api import exchange
from kernel import documents
from kernel.models import Document
from kernel.rest import service
from kernel.rest.access import Caller
from kernel.rest.errors import ApiError
from kernel.rest.resource import Api
from orders.models import Order


@service.door
def listing(request: HttpRequest, who: Caller, *, api: Api, number: str) -> HttpResponse:
    """What there is, newest first."""
    found = _shared(request, who, number)
    return service.answered([{"id": one.pk, "name": one.name, "sha256": one.sha256} for one in found[:100]])


@service.door
def content(request: HttpRequest, who: Caller, *, api: Api, number: str, pk: int) -> HttpResponse:
    """One document with its content in Base64."""
    one: Document | None = _shared(request, who, number).filter(pk=pk).first()
    if one is None:
        raise Http404("There is no such document.")
    try:
        with one.file.open("rb") as file:
            whole = file.read()
    except OSError:
        raise Http404("The file of this document is missing.") from None
    return service.answered({"id": one.pk, "name": one.name, "content": base64.b64encode(whole).decode()})


def _shared(request: HttpRequest, who: Caller, number: str) -> Any:
    if request.method != "GET":
        raise ApiError(405, "Send a GET.", headers={"Allow": "GET"})
    exchange.require_version(request)
    order = Order.objects.visible_to(who.user).filter(number=number, channel=Order.Channel.PARTNER).first()
    if order is None:
        raise Http404("There is no such order.")
    return documents.of(order).filter(customer_may_see=True)

"""The hub of each API: subscribe to its events, and end that."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse

from kernel.models import Subscription, User
from kernel.rest import errors, notices, outward, service
from kernel.rest.access import Caller
from kernel.rest.errors import ApiError
from kernel.rest.resource import Api

MOST = 20  # listeners of one account at one API


@service.door
def subscribe(request: HttpRequest, who: Caller, *, api: Api) -> HttpResponse:
    """POST {callback, query}: 201 with id and Location; the key that signs is told in X-Hub-Secret, only now."""
    if request.method != "POST":
        raise ApiError(405, f"{request.method} is not possible here.", headers={"Allow": "POST"})
    return service.once(request, who, lambda: _made(request, who.user, api))


def _made(request: HttpRequest, user: User, api: Api) -> HttpResponse:
    body = service.read_body(request)
    service.require_shape(api.file, "EventSubscriptionInput", body)
    callback, query = str(body["callback"]).strip(), str(body.get("query") or "")
    if len(callback) > 500 or len(query) > 500:
        raise errors.invalid("$.callback", "Callback and query have at most 500 characters each.")
    outward.require_allowed(callback)
    notices.require_query(query)
    if Subscription.objects.filter(user=user, api=api.key).count() >= MOST:
        raise ApiError(409, f"There are {MOST} listeners already. Delete one first.")
    made = Subscription.objects.create(api=api.key, user=user, callback=callback, query=query)
    href = request.build_absolute_uri(f"{api.root}hub/{made.key}")
    shown = {"id": str(made.key), "callback": made.callback, "query": made.query}
    return service.answered(shown, 201, {"Location": href, "X-Hub-Secret": made.secret})


@service.door
def unsubscribe(request: HttpRequest, who: Caller, *, api: Api, key: str) -> HttpResponse:
    """DELETE ends it; GET shows it, with its state."""
    try:
        found = Subscription.objects.filter(user=who.user, api=api.key, key=uuid.UUID(key)).first()
    except ValueError:
        found = None
    if found is None:
        raise Http404("There is no such subscription.")
    if request.method == "DELETE":
        found.delete()
        return HttpResponse(status=204)
    if request.method not in ("GET", "HEAD"):
        raise ApiError(405, f"{request.method} is not possible here.", headers={"Allow": "GET, DELETE"})
    return service.answered({"id": str(found.key), "callback": found.callback, "query": found.query})

"""Service: a request to a resource, from the token to the answer; every call is noted, and none ends in a page."""

import json
import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from kernel import announcing, audit, clash
from kernel.refusal import Refusal
from kernel.rest import access, errors, filters, paging, rendering, repetition, scopes, shapes
from kernel.rest.access import Caller
from kernel.rest.errors import ApiError
from kernel.rest.rendering import Rendering
from kernel.rest.resource import Api, Change, Resource, paths

log = logging.getLogger(__name__)
JSON = "application/json"
PATCHES = ("application/merge-patch+json", JSON)
VERBS = {"GET": scopes.READ, "HEAD": scopes.READ}
REGEX_SECONDS = 3
NOTED = "trunkline.noted"  # the answer whose call was noted in the transaction of its act
CALL = """
INSERT INTO kernel_apicall (user_id, by, method, path, status, reason, address, request_id, milliseconds)
SELECT %(user)s, %(by)s, %(method)s, %(path)s, %(status)s, %(reason)s, %(address)s, %(request_id)s, %(milliseconds)s
"""
UNHURRIED = "FROM set_config('synchronous_commit', 'off', true)"  # a reading is noted without waiting for the disk

View = Callable[..., HttpResponse]
Work = Callable[[HttpRequest, Caller], HttpResponse]


def door(work: View) -> View:
    """Decorator of a view: token, scope and pace first; whatever goes wrong is an error in the TMF form; all noted."""

    @wraps(work)
    def guarded(request: HttpRequest, *, api: Api, **parts: Any) -> HttpResponse:
        began, who = time.monotonic(), None
        try:
            who = access.caller(request)
            access.require_pace(who.token, who.rate)
            access.require_scope(who, api.key, VERBS.get(request.method or "", scopes.WRITE))
            answer = work(request, who, api=api, **parts)
        except Exception as error:  # nothing may leave as a page
            answer = refuse(error)
        if request.META.get(NOTED) is not answer:
            _note(request, who, answer, began)
        return answer

    guarded.csrf_exempt = True  # type: ignore[attr-defined]
    return guarded


def refuse(error: Exception, path_of: Any = None) -> HttpResponse:
    """The answer to whatever was raised."""
    if isinstance(error, Refusal):
        status, message, found = errors.of_refusal(error, path_of)
        return answered(errors.body(status, message, found), status, getattr(error, "headers", {}))
    if isinstance(error, Http404):
        return answered(errors.body(404, str(error) or "There is no such resource."), 404)
    if isinstance(error, RequestDataTooBig):
        return answered(errors.body(413, f"A body has at most {settings.API_BODY_BYTES} bytes."), 413)
    if isinstance(error, BadRequest | SuspiciousOperation | DataError):
        return answered(errors.body(400, "The request holds a value that cannot be."), 400)
    if clash.is_clash(error):
        return answered(errors.body(409, "Somebody changed the same records at this moment. Try again."), 409)
    if isinstance(error, OperationalError | InterfaceError):
        log.warning("the database does not answer: %s", error)
        return answered(errors.body(503, "The database does not answer. Try again."), 503, {"Retry-After": "5"})
    log.error("an interface broke", exc_info=error)
    return answered(errors.body(500, "Something broke on our side, and nothing was stored. It was noted."), 500)


def answered(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    """JSON out; bytes are JSON already."""
    text = body if isinstance(body, bytes) else _text(body)
    return HttpResponse(text, status=status, content_type=f"{JSON};charset=utf-8", headers=headers)


def _text(body: Any) -> bytes:
    return rendering.dumps(body).encode("utf-8", "replace") if body is not None else b""  # a refusal may quote anything


def _note(request: HttpRequest, who: Caller | None, answer: HttpResponse, began: float) -> None:
    """One row for each call; a database that is gone is no reason to say less to the caller."""
    reason = ""
    if answer.status_code >= 400 and answer.content:
        reason = shapes.UNFIT.sub("", str(json.loads(answer.content).get("message", "")))[:300]
    here = audit.origin.get()
    path = request.get_full_path().encode("utf-8", "replace").decode().replace("\x00", "")
    call = {
        "user": who.user.pk if who else None, "by": who.name if who else "", "method": (request.method or "")[:8],
        "path": path[:300], "status": answer.status_code, "reason": reason, "address": here.address,
        "request_id": here.request_id, "milliseconds": round((time.monotonic() - began) * 1000),
    }  # fmt: skip
    try:
        with connection.cursor() as cursor:
            cursor.execute(CALL + (UNHURRIED if request.method in VERBS and not reason else ""), call)
    except (OperationalError, InterfaceError) as error:
        log.warning("a call could not be noted: %s", error)


@door
def collection(request: HttpRequest, who: Caller, *, api: Api, name: str) -> HttpResponse:
    """List or create."""
    resource = _resource(api, name)
    if request.method in ("GET", "HEAD"):
        return _listed(request, who, api, resource)
    if request.method == "POST":
        if resource.create is None:
            _not_there(resource, "POST")
        return once(request, who, lambda: _created(request, who, api, resource))
    raise _no_method(request, "GET, POST")


@door
def item(request: HttpRequest, who: Caller, *, api: Api, name: str, key: str) -> HttpResponse:
    """Show, change or delete one."""
    resource = _resource(api, name)
    if request.method in ("GET", "HEAD"):
        return _shown(request, who, api, resource, key)
    if request.method == "PATCH":
        if resource.change is None:
            _not_there(resource, "PATCH")
        return once(request, who, lambda: _changed(request, who, api, resource, key))
    if request.method == "DELETE":
        if resource.remove is None:
            _not_there(resource, "DELETE")
        return once(request, who, lambda: _removed(request, who, resource, key))
    raise _no_method(request, "GET, PATCH, DELETE")


@door
def nothing(request: HttpRequest, who: Caller, *, api: Api, rest: str = "") -> HttpResponse:
    """An address that no resource has."""
    raise Http404(f"{api.file} has no such address. Resources are {', '.join(r.name for r in api.resources)}, hub.")


def _resource(api: Api, name: str) -> Resource:
    resource = api.resource(name)
    if resource is not None:
        return resource
    if name in api.absent:
        raise ApiError(501, f"“{name}” is not offered: {api.absent[name]}")
    raise Http404(f"{api.file} has no resource “{name[:80]}”.")


def _not_there(resource: Resource, method: str) -> NoReturn:
    why = resource.refused.get(method, "This interface only shows these records.")
    raise ApiError(501, f"{method} of {resource.name} is not offered: {why}")


def _no_method(request: HttpRequest, allowed: str) -> ApiError:
    return ApiError(405, f"{request.method} is not possible here.", headers={"Allow": allowed})


def once(request: HttpRequest, who: Caller, act: Callable[[], HttpResponse]) -> HttpResponse:
    """Run an act in one transaction, and under an Idempotency-Key only the first time."""
    key = request.headers.get("Idempotency-Key", "")
    _require_size(request)

    def whole() -> HttpResponse:
        with transaction.atomic(), announcing.holding():
            if key:
                digest = repetition.digest(request.method or "", request.path, request.body)
                if kept := repetition.claim(who.user, key, digest):
                    return kept
            answer = act()
            if key:
                repetition.keep(who.user, key, answer)
            _note(request, who, answer, who.since)
            request.META[NOTED] = answer
            return answer

    return clash.again(whole)


def _require_size(request: HttpRequest) -> None:
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        raise ApiError(411, "Send the body in one piece, with a Content-Length.")
    length = request.headers.get("Content-Length") or "0"
    if length.isdigit() and int(length) > settings.API_BODY_BYTES:
        raise ApiError(413, f"A body has at most {settings.API_BODY_BYTES} bytes.")


def _marks(request: HttpRequest, header: str) -> list[str]:
    """ETags of a conditional header; one that was weakened on the way, because the answer was packed, counts."""
    return [one.strip().removeprefix("W/") for one in request.headers.get(header, "").split(",") if one.strip()]


def read_body(request: HttpRequest, kinds: tuple[str, ...] = (JSON,)) -> dict[str, Any]:
    """The object that a body holds. Raises ApiError for another media type or for what is no JSON object."""
    if request.content_type not in kinds:
        raise ApiError(415, f"Send {' or '.join(kinds)}, not {request.content_type or 'nothing'}.")
    try:
        found = json.loads(request.body, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise errors.invalid(f"line {error.lineno}, column {error.colno}", f"This is not JSON: {error.msg}.") from None
    except (ValueError, RecursionError):
        raise errors.invalid("$", "This is not JSON that can be read.") from None
    if not isinstance(found, dict):
        raise errors.invalid("$", "The body has to be one object.")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def require_shape(file: str, kind: str, body: dict[str, Any]) -> None:
    """Raises ApiError 400 with every place at which the body is not as published."""
    if found := shapes.problems(file, kind, body):
        raise ApiError(400, f"{found[0][0]}: {found[0][1]}", found)


def rendering_for(request: HttpRequest, who: Caller, wanted: frozenset[str] | None = None) -> Rendering:
    """How an answer to this request is written."""
    return Rendering(request.build_absolute_uri("/")[:-1], who.user, paths(), wanted)


def _wanted(api: Api, resource: Resource, reserved: dict[str, str]) -> frozenset[str] | None:
    return rendering.chosen(reserved.get("fields"), shapes.attributes(api.file, resource.type))


def _listed(request: HttpRequest, who: Caller, api: Api, resource: Resource) -> HttpResponse:
    reserved, terms = filters.parse(request.META.get("QUERY_STRING", ""))
    page = rendering_for(request, who, _wanted(api, resource, reserved))
    rows = filters.narrowed(resource.rows(who.user), terms, resource.known)

    def read() -> paging.Page:
        return paging.page(rows, reserved, resource.known, lambda found: resource.read(found, page))

    found = _guarded(read) if any(term.operator == "regex" for term in terms) else read()
    query = [(name, value) for name, values in request.GET.lists() for value in values]
    headers = found.headers(f"{page.root}{request.path}", query)
    status = 206 if found.is_part and settings.API_PARTIAL else 200
    return answered([_written(resource, row, page) for row in found.rows], status, headers)


def _guarded(read: Callable[[], paging.Page]) -> paging.Page:
    """A pattern may take the database for ever; it gets a few seconds."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{REGEX_SECONDS}s"])
            return read()
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != "57014":
            raise
        raise ApiError(400, "This pattern takes too long to look for.") from None


def _written(resource: Resource, row: Any, page: Rendering) -> dict[str, Any]:
    key = resource.key_of(row)
    found = {"id": key, "href": page.href(resource.name, key), **resource.render(row, page)}
    found.setdefault("@type", resource.type)
    return page.shown(found)


def _row(resource: Resource, who: Caller, key: str, page: Rendering, *, lock: bool = False) -> Any:
    """One visible row, locked if it is to be changed. Raises Http404."""
    try:
        found = Q(pk__in=[]) if shapes.UNFIT.search(key) else resource.of_key(key)
    except (ValueError, OverflowError):
        raise Http404("There is no such resource.") from None
    rows = resource.rows(who.user).filter(found)
    if lock:
        pk = rows.values_list("pk", flat=True).first()
        if pk is not None:
            resource.rows(who.user).model._base_manager.select_for_update(of=("self",)).get(pk=pk)
    row = resource.one(rows, page)
    if row is None:
        raise Http404(f"There is no {resource.name} “{key[:80]}”.")
    return row


def tag(text: bytes) -> str:
    """The ETag of a whole representation, as it is sent."""
    return f'"{repetition.digest("", "", text)[:32]}"'


def _shown(request: HttpRequest, who: Caller, api: Api, resource: Resource, key: str) -> HttpResponse:
    reserved, terms = filters.parse(request.META.get("QUERY_STRING", ""))
    if terms:
        raise errors.invalid(terms[0].name, "One resource is not filtered; ask for a list.")
    page = rendering_for(request, who)
    wanted = rendering_for(request, who, _wanted(api, resource, reserved))
    whole = _written(resource, _row(resource, who, key, page), page)
    text = _text(whole)
    mark = tag(text)
    if mark in _marks(request, "If-None-Match"):
        return HttpResponse(status=304, headers={"ETag": mark})
    return answered(text if wanted.wanted is None else wanted.shown(whole), 200, {"ETag": mark})


def _created(request: HttpRequest, who: Caller, api: Api, resource: Resource) -> HttpResponse:
    body = read_body(request)
    require_shape(api.file, f"{resource.type}_Create", body)
    assert resource.create is not None  # noqa: S101 – asked before
    try:
        row = resource.create(body, who.user)
    except Refusal as refusal:
        raise _placed(refusal, resource, body) from refusal
    page = rendering_for(request, who)
    if isinstance(row, int):
        row = resource.one(resource.rows(who.user).filter(pk=row), page)
    made = _written(resource, row, page)
    text = _text(made)
    return answered(text, 201, {"Location": made["href"], "ETag": tag(text)})


def _placed(refusal: Refusal, resource: Resource, body: dict[str, Any]) -> ApiError:
    """The refusal of an act with the places of the body that it is about."""
    name = resource.path_of
    status, message, found = errors.of_refusal(refusal, (lambda field: name(field, body)) if name else None)
    return ApiError(status, message, found, getattr(refusal, "headers", None))


def _require_same(request: HttpRequest, body: dict[str, Any]) -> None:
    wanted = _marks(request, "If-Match")
    if wanted and wanted != ["*"] and tag(_text(body)) not in wanted:
        raise ApiError(412, "It has changed since you read it. Read it again, then decide.")


def _changed(request: HttpRequest, who: Caller, api: Api, resource: Resource, key: str) -> HttpResponse:
    patch = read_body(request, PATCHES)
    page = rendering_for(request, who)
    row = _row(resource, who, key, page, lock=True)
    before = _written(resource, row, page)
    _require_same(request, before)
    change = Change(patch, before)
    _require_patchable(api, resource, change)
    assert resource.change is not None  # noqa: S101 – asked before
    try:
        resource.change(row.pk, change, who.user)
    except Refusal as refusal:
        raise _placed(refusal, resource, patch) from refusal
    after = _written(resource, resource.one(resource.rows(who.user).filter(pk=row.pk), page), page)
    text = _text(after)
    return answered(text, 200, {"ETag": tag(text)})


def _require_patchable(api: Api, resource: Resource, change: Change) -> None:
    known = shapes.attributes(api.file, resource.type)
    for name in change.body:
        if name not in known:
            raise errors.invalid(f"$.{name[:80]}", f"There is no attribute “{name[:80]}” here.")
        if name in resource.frozen and name in change.differing:
            raise errors.invalid(f"$.{name}", f"“{name}” cannot be changed.")
    required = {name: value for name, value in change.body.items() if value is not None}
    whole = change.before | required
    if found := [p for p in shapes.problems(api.file, resource.type, whole) if _about(p[0], required)]:
        raise ApiError(400, f"{found[0][0]}: {found[0][1]}", found)


def _about(path: str, body: dict[str, Any]) -> bool:
    return path.removeprefix("$.").split(".")[0].split("[")[0] in body


def _removed(request: HttpRequest, who: Caller, resource: Resource, key: str) -> HttpResponse:
    page = rendering_for(request, who)
    row = _row(resource, who, key, page, lock=True)
    _require_same(request, _written(resource, row, page))
    assert resource.remove is not None  # noqa: S101 – asked before
    resource.remove(row.pk, who.user)
    return HttpResponse(status=204)


@csrf_exempt
def elsewhere(request: HttpRequest, rest: str = "") -> HttpResponse:
    """An address below /tmf-api/ that no API has."""
    return refuse(Http404("There is no such interface. /api/ lists those that there are."))

"""The exchange between installations: what it needs beside the TM Forum APIs – pairing, sites, and a hint of news."""

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from crm import accounts, partnership, requesting
from crm.models import Partner, Site
from crm.models.partners import PROTOCOL
from kernel import audit
from kernel.refusal import NotPermitted
from kernel.rest import access, service
from kernel.rest.errors import ApiError, invalid

RATE = 30  # pairings a minute from one address
NEWS = 600
SITE = {"code": 20, "name": 80, "street": 120, "postcode": 12, "city": 60, "country": 2}


@csrf_exempt
def pair(request: HttpRequest) -> HttpResponse:
    """Redeem a code: the client id with which the buyer gets its tokens."""
    try:
        body = _posted(request, f"pair:{audit.origin.get().address}", RATE)
        protocol = body.get("protocol")
        partner = partnership.redeem(
            code=_text(body, "code", 100), url=_text(body, "url", 300), secret=_text(body, "secret", 200),
            protocol=protocol if isinstance(protocol, int) else 0,
        )  # fmt: skip
        client: Any = partner.client
        said = {
            "clientId": client.client_id, "scopes": partner.scopes, "protocol": PROTOCOL,
            "account": partner.account.number if partner.account else "",
        }  # fmt: skip
    except Exception as error:  # nothing may leave as a page
        return service.refuse(error)
    return service.answered(said, 201)


@csrf_exempt
def sites(request: HttpRequest) -> HttpResponse:
    """A site of the buyer's, by its code: the one that is there, or a new one."""
    try:
        who = access.caller(request)
        body = _posted(request, who.token, who.rate)
        access.require_scope(who, "tmf622", "write")
        require_version(request)
        partner = Partner.objects.filter(client__user=who.user, ended_at=None).select_related("account").first()
        if partner is None or partner.account is None:
            raise NotPermitted("Only a partner’s installation names its sites.")
        site, made = _site(partner, body)
    except Exception as error:  # nothing may leave as a page
        return service.refuse(error)
    return service.answered({"id": str(site.pk), "code": site.code}, 201 if made else 200)


@csrf_exempt
def events(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """News of an order at a seller; only a hint, see crm.requesting."""
    try:
        body = _posted(request, f"news:{key}", NEWS)
        if not Partner.objects.filter(key=key, side=Partner.Side.SELLER, ended_at=None).exists():
            raise Http404("There is no such partner.")
        inner = body.get("event")
        order: Any = inner.get("productOrder") if isinstance(inner, dict) else None
        number = str(order.get("id") or "")[:40] if isinstance(order, dict) else ""
        if number:
            requesting.hear(partner_key=str(key), number_there=number)
    except Exception as error:  # nothing may leave as a page
        return service.refuse(error)
    return HttpResponse(status=204)


def _posted(request: HttpRequest, who: str, rate: int) -> dict[str, Any]:
    if request.method != "POST":
        raise ApiError(405, "Send a POST.", headers={"Allow": "POST"})
    access.require_pace(who, rate)
    return service.read_body(request)


def require_version(request: HttpRequest) -> None:
    """Raises ApiError 409 unless both sides speak the same version."""
    said = request.headers.get("X-Trunkline-Exchange", "")
    if said != str(PROTOCOL):
        raise ApiError(
            409, f"This installation speaks version {PROTOCOL} of the exchange, yours {said[:10] or 'none'}."
        )


def _text(body: dict[str, Any], name: str, most: int) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > most or not value.isprintable():
        raise invalid(f"$.{name}", f"This is a text of at most {most} characters.")
    return value.strip()


def _site(partner: Partner, body: dict[str, Any]) -> tuple[Site, bool]:
    told = {name: _text(body, name, most) for name, most in SITE.items()}
    code = told.pop("code")
    account: Any = partner.account
    found = Site.objects.filter(account=account, code=code).first()
    if found is not None:
        return found, False
    for name in ("latitude", "longitude"):
        if body.get(name) is not None:
            told[name] = _degrees(body[name], name)
    return accounts.add_site(account_id=account.pk, code=code, by=None, **told), True


def _degrees(value: Any, name: str) -> Any:
    try:
        found = round(float(value), 5)
    except (TypeError, ValueError):
        raise invalid(f"$.{name}", "This is a number of degrees.") from None
    if not -180 <= found <= 180:
        raise invalid(f"$.{name}", "This is a number of degrees.")
    return str(found)

"""Partnership: two installations are paired by a code that one gives and the other redeems, once.

The buyer makes the secret and hands it over when it redeems the code; the seller keeps its hash as that of any client,
bound to the buyer's account and to what is published to it.
"""

import datetime as dt
import json
import secrets
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from catalog import shelving
from crm import partnerlink, systems
from crm.models import Account, Partner
from crm.models.partners import PROTOCOL
from kernel import audit
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal
from kernel.rest import outward
from kernel.tokenkeeping import digest

PREFIX = "tlx_"
DAYS = 7
SCOPES = ("tmf620:read", "tmf621:read", "tmf621:write", "tmf622:read", "tmf622:write", "tmf637:read", "tmf679:read",
          "tmf679:write")  # fmt: skip
SHORTEST = 32


class NotPaired(Refusal):
    """The pairing did not come about; the sentence says why."""


@transaction.atomic
def invite(*, name: str, account_id: int, offerings: Iterable[str], by: User) -> tuple[Partner, str]:
    """Let a customer's installation order from us; returns the code, which is not kept.

    Raises:
        Refusal: no name, or an offering that is not sold.
        NotPermitted
    """
    _require(by)
    if not name.strip():
        raise Refusal(problems={"name": ["Say who the partner is."]})
    account = Account.objects.visible_to(by).get(pk=account_id)
    code = PREFIX + secrets.token_urlsafe(24)
    partner = Partner(
        side=Partner.Side.BUYER, name=name.strip()[:120], account=account, scopes=list(SCOPES),
        code_digest=digest(code), code_until=timezone.now() + dt.timedelta(days=DAYS), offerings=sorted(set(offerings)),
    )  # fmt: skip
    shelving.require_sold(partner.offerings)
    partner.save()
    audit.record("invited", partner, by=by, changes={"offerings": [[], partner.offerings]})
    return partner, code


@transaction.atomic
def redeem(*, code: str, url: str, protocol: int, secret: str) -> Partner:
    """The buyer's installation has called with its code and its secret: let it in.

    Raises:
        NotPaired: the code is unknown, used or too old.
        Conflict: the two speak different versions.
    """
    if protocol != PROTOCOL:
        raise Conflict(
            f"This installation speaks version {PROTOCOL} of the exchange, yours {protocol}. Update the older."
        )
    rows = Partner.objects.select_for_update(of=("self",)).filter(side=Partner.Side.BUYER, code_digest=digest(code))
    partner = rows.exclude(code_digest="").first()
    if partner is None or not partner.code_until or partner.code_until < timezone.now() or partner.ended_at:
        raise NotPaired("This code is not known, was used, or is too old. Ask for a new one.")
    if len(secret) < SHORTEST:
        raise NotPaired("The secret is too short.")
    client, _ = systems.register(name=partner.name, scopes=partner.scopes, by=None, account_id=partner.account_id)
    client.client_secret = secret
    client.save(update_fields=["client_secret", "updated"])
    shelving.put(user=client.user, keys=partner.offerings, by=None)
    partner.client, partner.url, partner.paired_at = client, url[:300], timezone.now()
    partner.code_digest, partner.code_until = "", None
    partner.save()
    audit.record("paired", partner, by=None, changes={"url": ["", partner.url]})
    return partner


def join(*, name: str, url: str, code: str, by: User) -> Partner:
    """Redeem a seller's code; the two are paired when it returns.

    Raises:
        NotPaired: with what stood in the way, at its field.
        NotPermitted
    """
    _require(by)
    url = url.strip().rstrip("/")
    try:
        outward.require_allowed(url)
    except outward.NotAllowed as refusal:
        raise NotPaired(problems={"url": [" ".join(refusal.problems.get("callback", ["Not an address."]))]}) from None
    partner = Partner(side=Partner.Side.SELLER, name=name.strip()[:120] or url[:120], url=url)
    asked = {
        "code": code.strip(), "secret": partner.secret, "protocol": PROTOCOL, "name": partner.name,
        "url": settings.BASE_URL.rstrip("/"),
    }  # fmt: skip
    try:
        said = partnerlink.send("POST", f"{url}{reverse('crm:exchange_pair')}", json.dumps(asked), partnerlink.JSON)
    except partnerlink.NotReached as problem:
        raise NotPaired(problems={"url": [f"Nobody answers there. {problem}"]}) from None
    except partnerlink.Refused as refusal:
        raise NotPaired(problems={"code": [str(refusal)]}) from None
    return _kept(partner, said, by)


@transaction.atomic
def _kept(partner: Partner, said: dict[str, Any], by: User) -> Partner:
    partner.client_id_there, partner.account_there = str(said.get("clientId", "")), str(said.get("account", ""))[:20]
    partner.scopes, partner.paired_at = list(said.get("scopes") or ()), timezone.now()
    partner.save()
    audit.record("paired", partner, by=by, changes={"url": ["", partner.url]})
    return partner


@transaction.atomic
def publish(*, partner_id: int, offerings: Iterable[str], by: User) -> Partner:
    """From now on the buyer sees exactly these. Raises Refusal for what is not sold, NotPermitted, Conflict."""
    _require(by)
    partner: Partner = Partner.objects.locked(partner_id)
    if partner.side != Partner.Side.BUYER or partner.ended_at:
        raise Conflict("Nothing is published to this partner.")
    before, partner.offerings = partner.offerings, sorted(set(offerings))
    shelving.require_sold(partner.offerings)
    if partner.client is not None:
        shelving.put(user=partner.client.user, keys=partner.offerings, by=by)
    partner.save(update_fields=["offerings", "updated_at"])
    audit.record("published", partner, by=by, changes={"offerings": [before, partner.offerings]})
    return partner


@transaction.atomic
def end(*, partner_id: int, by: User) -> Partner:
    """The two are no longer paired; a buyer's keys hold no longer. Raises NotPermitted."""
    _require(by)
    partner: Partner = Partner.objects.locked(partner_id)
    if partner.ended_at is None:
        partner.ended_at, partner.code_digest = timezone.now(), ""
        if partner.client is not None:
            partner.client.is_active = False
            partner.client.save(update_fields=["is_active", "updated"])
            partner.client.accesstoken_set.all().delete()
        partner.save()
        audit.record("ended", partner, by=by)
    return partner


def _require(by: User) -> None:
    if not by.has_perm("crm.pair_partner"):
        raise NotPermitted("Your roles do not include the right to pair with partners.")

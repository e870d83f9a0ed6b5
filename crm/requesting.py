"""Requesting: what our people want of a seller becomes an order there, and what becomes of it comes back.

A request waits in our own database until the seller has taken it; however long nobody answers there, it is sent again,
under one key, so that it is taken once. What the seller tells us is a hint only: the order is read from its interface
with our own token, so a forged message, or a lost one, changes nothing.
"""

import datetime as dt
import logging
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from crm import receiving
from crm.models import Partner, PartnerOffering, PartnerRequest, Site
from crm.partnerlink import ORDERS, Link, NotReached, Refused, understood
from kernel import audit, jobs
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal

log = logging.getLogger(__name__)
TASK = "crm.tasks.ask_sellers"
DUE = "EXISTS (SELECT FROM crm_partnerrequest WHERE due_at <= clock_timestamp())"
BATCH = 20
LEASE = dt.timedelta(minutes=2)
FIRST, LONGEST = 5, 1800  # seconds between tries while nobody answers
LOOK = dt.timedelta(hours=1)  # after which an order there is read without having been told
MOST_QUANTITY = 10_000


@dataclass(frozen=True)
class News:
    """What a seller's order is like."""

    status: str
    number: str
    milestones: list[dict[str, str]]
    expected_on: dt.date | None


class NotRequested(Refusal):
    """It cannot be asked for so; every problem stands at its field."""


@transaction.atomic
def request(
    *, offering_id: int, site_id: int, by: User, values: dict[str, Any], quantity: int = 1,
    wanted_on: dt.date | None = None,
) -> PartnerRequest:  # fmt: skip
    """Ask a seller for an offering at a site of ours; it is sent at once, or as soon as somebody answers there.

    Raises:
        NotRequested: a choice is missing, or not offered.
        Conflict: it is not published any more.
        NotPermitted
    """
    if not by.has_perm("crm.send_partnerrequest"):
        raise NotPermitted("Your roles do not include the right to order from partners.")
    offering = PartnerOffering.objects.select_related("partner").get(pk=offering_id)
    if offering.gone_at or offering.partner.ended_at:
        raise Conflict(f"{offering.partner.name} does not offer this any more.")
    problems: dict[str, list[str]] = {}
    for part in offering.characteristics:
        value = values.get(part["name"])
        if value in (None, "") and part["required"]:
            problems[part["name"]] = ["Choose a value."]
        elif value not in (None, "") and part["choices"] and part["type"] == "string" and value not in part["choices"]:
            problems[part["name"]] = [f"One of {', '.join(map(str, part['choices']))}."]
    if not 1 <= quantity <= MOST_QUANTITY:
        problems["quantity"] = [f"A quantity is from 1 to {MOST_QUANTITY:,}."]
    site = Site.objects.visible_to(by).filter(pk=site_id).first()
    if site is None:
        problems["site"] = ["Choose a site."]
    if problems or site is None:
        raise NotRequested(problems=problems)
    kept = {name: value for name, value in values.items() if value not in (None, "")}
    made = PartnerRequest(
        partner=offering.partner, offering=offering, site=site, asked_by=by, values=kept, quantity=quantity,
        wanted_on=wanted_on, due_at=timezone.now(),
    )  # fmt: skip
    made.save()
    audit.record("requested", made, by=by, changes={"partner": [None, offering.partner.name]})
    jobs.wake(TASK)
    return made


def offered(*, key: str) -> PartnerOffering:
    """What is offered to us under that key, by whichever seller. Raises DoesNotExist."""
    rows = PartnerOffering.objects.filter(key=key, gone_at=None, partner__ended_at=None)
    found: PartnerOffering = rows.latest("pk")
    return found


@transaction.atomic
def cancel(*, request_id: int, reason: str, by: User) -> PartnerRequest:
    """Take it back: at once while it waits here, else the seller is asked. Raises Conflict, NotPermitted, Refusal."""
    if not by.has_perm("crm.send_partnerrequest"):
        raise NotPermitted("Your roles do not include the right to order from partners.")
    if not reason.strip():
        raise Refusal(problems={"reason": ["Say why; the partner reads it."]})
    found: PartnerRequest = PartnerRequest.objects.locked(request_id)
    if found.is_over or found.cancel_reason:
        raise Conflict("Nothing is left to cancel.")
    found.cancel_reason = reason.strip()[:300]
    if not found.number_there and not found.attempts:
        found.status, found.due_at = "cancelled", None
    else:
        found.due_at = timezone.now()
    found.save()
    audit.record("taken back", found, by=by, reason=found.cancel_reason)
    jobs.wake(TASK)
    return found


@transaction.atomic
def hear(*, partner_key: str, number_there: str) -> int:
    """A seller has news of an order: it is read at once. Returns how many requests that concerns."""
    rows = PartnerRequest.objects.filter(partner__key=partner_key, number_there=number_there)
    told = int(rows.update(due_at=timezone.now()))  # also of one that is over: its documents may come later
    if told:
        jobs.wake(TASK)
    return told


def ask_due() -> int:
    """Send what waits and read what is under way; how many were dealt with. Each by itself, without a lock held."""
    done = 0
    while taken := _take():
        for one in taken:
            _deal(one)
        done += len(taken)
    return done


@transaction.atomic
def _take() -> list[PartnerRequest]:
    rows = PartnerRequest.objects.select_for_update(of=("self",), skip_locked=True).filter(due_at__lte=timezone.now())
    found = list(rows.select_related("partner", "offering", "site", "asked_by").order_by("due_at", "id")[:BATCH])
    keys = [one.pk for one in found]
    PartnerRequest.objects.filter(pk__in=keys).update(due_at=timezone.now() + LEASE, attempts=F("attempts") + 1)
    return found


def _deal(one: PartnerRequest) -> None:
    link = Link(one.partner)
    try:
        news = _read(_asked(link, one))
    except NotReached as problem:
        _put_off(one, str(problem))
    except Refused as refusal:
        _put_off(one, str(refusal), final=not one.number_there)
    else:
        _note(one.pk, news)
        _fetch(link, one, news.number)


def _fetch(link: Link, one: PartnerRequest, number: str) -> None:
    """Documents come after the news, which they do not hold up; a seller without this door has none."""
    one.number_there = number
    try:
        receiving.fetch(link, one)
    except NotReached as problem:
        _put_off(one, str(problem))
    except Refused as refusal:
        log.info("%s gives no documents: %s", one.partner, refusal)


def _asked(link: Link, one: PartnerRequest) -> Any:
    """The order as the seller shows it, after it was sent or taken back where that is still to be done."""
    if not one.number_there:
        return _send(link, one)
    if one.cancel_reason and one.status not in ("pendingCancellation", "assessingCancellation", "cancelled"):
        _take_back(link, one)
    return link.get(f"{ORDERS}/productOrder/{one.number_there}")


def _read(said: Any) -> News:
    """What of an answer concerns us. Raises NotReached for one that makes no sense."""
    with understood("order"):
        expected = str(said.get("expectedCompletionDate") or said.get("completionDate") or "")[:10]
        notes = [note for note in said.get("note") or () if note.get("author") == "milestone"]
        return News(
            str(said["state"])[:20], str(said["id"])[:40],
            [{"text": str(note.get("text"))[:200], "date": str(note.get("date") or "")} for note in notes],
            dt.date.fromisoformat(expected) if expected else None,
        )  # fmt: skip


def _send(link: Link, one: PartnerRequest) -> Any:
    """The site first, by its code; then the order, under the request's number."""
    site = one.site
    place = link.post(reverse("crm:exchange_sites"), {
        "code": site.code, "name": site.name, "street": site.street, "postcode": site.postcode, "city": site.city,
        "country": site.country, "latitude": _text(site.latitude), "longitude": _text(site.longitude),
    })  # fmt: skip
    with understood("site"):
        where = str(place["id"])
    item: dict[str, Any] = {
        "id": "1", "action": "add", "quantity": one.quantity, "productOffering": {"id": one.offering.key},
        "product": {
            "productCharacteristic": [{"name": name, "value": value} for name, value in sorted(one.values.items())],
            "place": [{"id": where, "role": "installationSite"}],
        },
    }  # fmt: skip
    body: dict[str, Any] = {
        "externalId": one.number, "description": f"{one.offering.name} for {site.name}"[:120],
        "productOrderItem": [item],
    }  # fmt: skip
    if one.wanted_on:
        body["requestedCompletionDate"] = f"{one.wanted_on.isoformat()}T00:00:00Z"
    return link.post(f"{ORDERS}/productOrder", body, key=f"{one.partner.key.hex}-{one.number}")


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _take_back(link: Link, one: PartnerRequest) -> None:
    body = {"productOrder": {"id": one.number_there}, "cancellationReason": one.cancel_reason}
    link.post(f"{ORDERS}/cancelProductOrder", body, key=f"{one.partner.key.hex}-{one.number}-cancel")


@transaction.atomic
def _put_off(one: PartnerRequest, problem: str, *, final: bool = False) -> None:
    """It did not work: again later, or never when the seller will not take it."""
    found: PartnerRequest = PartnerRequest.objects.locked(one.pk)
    wait = dt.timedelta(seconds=min(FIRST * 2 ** min(found.attempts, 12), LONGEST))
    found.problem, found.due_at = problem[:500], None if final else timezone.now() + wait
    if final:
        audit.record("refused by partner", found, by=None, changes={"state": [found.status, found.REFUSED]},
                     reason=problem[:500])  # fmt: skip
        found.status = found.REFUSED
    found.save()


@transaction.atomic
def _note(pk: int, news: News) -> None:
    """What the seller's order is like now."""
    found: PartnerRequest = PartnerRequest.objects.locked(pk)
    if (found.status, found.number_there, found.milestones) != (news.status, news.number, news.milestones):
        counts = [len(found.milestones), len(news.milestones)]
        changes: dict[str, list[Any]] = {"status": [found.status, news.status], "milestones": counts}
        audit.record("news from partner", found, by=None, changes=changes)
    found.status, found.number_there, found.milestones = news.status, news.number, news.milestones
    found.problem, found.expected_on = "", news.expected_on
    found.due_at, found.attempts = None if found.is_over else timezone.now() + LOOK, 0
    found.save()


def listen_to(*, partner_id: int) -> None:
    """Ask the seller to tell us of its orders. Raises Refusal when it cannot be reached, or will not."""
    partner = Partner.objects.get(pk=partner_id)
    body = {"callback": f"{settings.BASE_URL.rstrip('/')}{reverse('crm:exchange_events', args=[partner.key])}"}
    try:
        Link(partner).post(f"{ORDERS}/hub", body, key=f"{partner.key.hex}-hub")
    except NotReached as problem:
        raise Refusal(f"{partner.name} cannot be reached. {problem}") from None

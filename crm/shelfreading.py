"""Shelf reading: what a seller has published to us becomes offerings that our people can ask for."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from crm.models import Partner, PartnerOffering
from crm.partnerlink import CATALOGUE, Link, NotReached, understood
from kernel.refusal import Conflict, Refusal

MOST = 1000


class NotRead(Refusal):
    """Their offerings could not be read; the sentence says why."""


def read(*, partner_id: int) -> int:
    """Read the seller's shelf over its interface; returns how many offerings are on it.

    Raises:
        NotRead: it cannot be reached.
        Conflict: nothing is bought there.
    """
    partner = Partner.objects.get(pk=partner_id)
    if partner.side != Partner.Side.SELLER or partner.ended_at:
        raise Conflict("Nothing is bought from this partner.")
    link = Link(partner)
    try:
        sold = link.get(f"{CATALOGUE}/productOffering", limit=MOST)
        described = link.get(f"{CATALOGUE}/productSpecification", limit=MOST)
        priced = link.get(f"{CATALOGUE}/productOfferingPrice", limit=MOST)
        with understood("catalogue"):
            specifications, prices = ({one["id"]: one for one in listed} for listed in (described, priced))
            rows = [_row(partner, one, specifications, prices) for one in sold]
    except NotReached as problem:
        raise NotRead(f"{partner.name} cannot be reached. {problem}") from None
    return _keep(partner, rows)


@transaction.atomic
def _keep(partner: Partner, rows: list[PartnerOffering]) -> int:
    now = timezone.now()
    PartnerOffering.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["partner", "key"],
        update_fields=["name", "description", "characteristics", "prices", "gone_at"],
    )  # fmt: skip
    PartnerOffering.objects.filter(partner=partner, gone_at=None).exclude(key__in=[row.key for row in rows]).update(
        gone_at=now
    )
    Partner.objects.filter(pk=partner.pk).update(read_at=now, problem="")
    return len(rows)


def _row(partner: Partner, one: dict[str, Any], specifications: dict[str, Any], prices: dict[str, Any]) -> Any:
    specification = specifications.get(str((one.get("productSpecification") or {}).get("id")), {})
    listed = [prices[ref["id"]] for ref in one.get("productOfferingPrice") or () if ref.get("id") in prices]
    parts = specification.get("productSpecCharacteristic") or ()
    return PartnerOffering(
        partner=partner, key=str(one["id"])[:80], name=str(one.get("name") or one["id"])[:120], gone_at=None,
        description=str(one.get("description") or ""), prices=[_price(price) for price in listed][:20],
        characteristics=[_characteristic(part) for part in parts if part.get("configurable") is not False],
    )  # fmt: skip


def _characteristic(part: dict[str, Any]) -> dict[str, Any]:
    values = part.get("productSpecCharacteristicValue") or []
    return {
        "name": str(part.get("id") or part.get("name")),
        "title": str(part.get("description") or part.get("name") or ""),
        "type": str(part.get("valueType") or "string"), "required": bool(part.get("minCardinality")),
        "choices": [value["value"] for value in values if value.get("value") is not None],
        "default": next((value["value"] for value in values if value.get("isDefault")), None),
    }  # fmt: skip


def _price(price: dict[str, Any]) -> dict[str, Any]:
    amount = price.get("price") or {}
    return {"name": str(price.get("name") or ""), "value": amount.get("value"), "unit": amount.get("unit"),
            "period": str(price.get("recurringChargePeriodType") or "")}  # fmt: skip

"""Conversion: a qualified lead becomes account, contact and opportunity in one step, new ones or those we have."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog.models import Charge, PriceEntry, PriceList
from crm import accounts, events, pipeline
from crm.models import Account, Contact, Lead, Opportunity, OpportunityLine
from kernel import lifecycle, outbox
from kernel.models import User
from kernel.money import ZERO
from kernel.refusal import Refusal


@dataclass(frozen=True)
class Choices:
    """What the person chose: existing records by key, or the details of new ones; empty means as the lead says.

    `account_fields` are further columns of a new account.
    """

    account_id: int | None = None
    account_name: str = ""
    account_fields: dict[str, Any] = field(default_factory=dict)
    contact_id: int | None = None
    contact_role: str = Contact.Role.BUYER
    opportunity_id: int | None = None
    opportunity_name: str = ""
    close_on: dt.date | None = None


class Unclear(Refusal):
    """The choices do not fit each other, each problem at its field."""


@transaction.atomic
def convert(*, lead_id: int, by: User | None, choices: Choices | None = None) -> Opportunity:
    """Make or choose account, contact and opportunity, copy the lead's lines with list prices, close the lead.

    Raises:
        IllegalMove: the lead is not qualified (or converted already).
        NotPermitted: the person may not convert leads.
        Unclear: a chosen contact or opportunity belongs to another account, or the opportunity is closed.
        Duplicate, Misplaced: see `crm.accounts`.
    """
    choices = choices or Choices()
    lead = Lead.objects.locked(lead_id)
    _require_qualified(lead)
    account = _account(lead, choices, by)
    contact = _contact(lead, account, choices, by)
    opportunity = _opportunity(lead, account, contact, choices, by)
    _lines(lead, opportunity)
    lifecycle.move(lead, Lead.convert, by=by, to=opportunity)
    outbox.publish(events.LeadConverted(lead_id=lead.pk, account_id=account.pk, opportunity_id=opportunity.pk))
    return opportunity


def _require_qualified(lead: Lead) -> None:
    if lead.state != Lead.State.QUALIFIED:
        raise lifecycle.IllegalMove(f"This lead is {lead.state}; only a qualified one is converted.")


def _account(lead: Lead, choices: Choices, by: User | None) -> Account:
    if choices.account_id:
        found = Account.objects.filter(pk=choices.account_id).first()
        if found is None:
            raise Unclear(problems={"account": ["That account does not exist any more."]})
        return found
    fields = dict(choices.account_fields)
    if not lead.company and not choices.account_name:
        fields.setdefault("kind", Account.Kind.CONSUMER)
    return accounts.open_account(
        name=choices.account_name or lead.company or lead.person, by=by, owner=lead.owner or by, **fields
    )


def _contact(lead: Lead, account: Account, choices: Choices, by: User | None) -> Contact:
    if choices.contact_id:
        found = Contact.objects.filter(pk=choices.contact_id, account__root_id=account.root_id).first()
        if found is None:
            raise Unclear(problems={"contact": [f"That contact does not belong to {account}."]})
        return found  # type: ignore[no-any-return]
    same = Contact.objects.filter(account=account, email__iexact=lead.email, role=choices.contact_role).first()
    return same or accounts.add_contact(
        account_id=account.pk, first_name=lead.first_name, last_name=lead.last_name, email=lead.email, by=by,
        phone=lead.phone, job_title=lead.job_title, role=choices.contact_role,
    )  # fmt: skip


def _opportunity(lead: Lead, account: Account, contact: Contact, choices: Choices, by: User | None) -> Opportunity:
    if choices.opportunity_id is None:
        return pipeline.open_opportunity(
            account_id=account.pk, name=choices.opportunity_name or f"{account.name}: {_theme(lead)}"[:120], by=by,
            close_on=choices.close_on, contact=contact, need=lead.need, owner=lead.owner or by,
        )  # fmt: skip
    found = Opportunity.objects.filter(pk=choices.opportunity_id, account=account).first()
    if found is None:
        raise Unclear(problems={"opportunity": [f"That opportunity does not belong to {account}."]})
    if found.state != Opportunity.State.OPEN:
        raise Unclear(problems={"opportunity": [f"That opportunity is {found.state}; choose an open one."]})
    return Opportunity.objects.locked(found.pk)  # type: ignore[no-any-return]


def _theme(lead: Lead) -> str:
    names = [str(line) for line in lead.lines.select_related("offering").order_by("pk")[:3]]
    return ", ".join(names) or lead.need.splitlines()[0][:60]


def _lines(lead: Lead, opportunity: Opportunity) -> None:
    """The lead's lines with the lowest list price of each offering, as a first guess."""
    lines = list(lead.lines.order_by("pk"))
    prices = starting_prices([line.offering_id for line in lines if line.offering_id], opportunity.currency)
    made = [
        OpportunityLine(
            opportunity=opportunity, offering_id=line.offering_id, description=line.description, quantity=line.quantity,
            monthly=prices.get((line.offering_id or 0, Charge.RECURRING), ZERO),
            one_time=prices.get((line.offering_id or 0, Charge.ONE_TIME), ZERO),
        )
        for line in lines
    ]  # fmt: skip
    OpportunityLine.objects.bulk_create(made)
    opportunity.monthly += sum((line.monthly * line.quantity for line in made), ZERO)
    opportunity.save(update_fields=["monthly", "updated_at"])


def starting_prices(offering_ids: list[int], currency: str) -> dict[tuple[int, str], Any]:
    """The lowest list price by (offering, charge) in today's general price list of a currency; two queries."""
    today = timezone.localdate()
    valid = PriceList.objects.filter(currency=currency, valid_from__lte=today).exclude(valid_until__lt=today)
    newest = valid.order_by("segment", "-valid_from").first()
    if newest is None or not offering_ids:
        return {}
    found: dict[tuple[int, str], Any] = {}
    rows = PriceEntry.objects.filter(price_list=newest, offering__in=offering_ids, is_cost=False).exclude(
        charge="usage"
    )
    for offering, charge, amount in rows.values_list("offering_id", "charge", "amount"):
        found[offering, charge] = min(amount, found.get((offering, charge), amount))
    return found

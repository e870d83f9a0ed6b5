"""Ending: a contract is ended before its time, with the charge previewed, approved, stored and told on paper."""

import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from contracts import billing, earlytermination, events
from contracts.models import Contract, ContractCharge, ContractLine, Entitlement, Termination
from kernel import approvals, audit, lifecycle, notifications, outbox
from kernel.approvals import Ask
from kernel.models import ApprovalRequest, User
from kernel.money import ZERO, digits, rounded
from kernel.refusal import Conflict, NotPermitted, Refusal

LABEL = "contracts.termination"
RIGHT = "contracts.add_termination"
FURTHEST = 730  # days ahead for which an end is asked


class Unfit(Refusal):
    """The end cannot be asked for so; problems at their fields."""


class Changed(Conflict):
    """The contract is not what the charge was worked out for."""


@transaction.atomic
def ask(
    *, contract_id: int, on: dt.date, reason: str, by: User, side: str = Termination.Side.CUSTOMER,
    charge: Decimal | None = None, reduced_because: str = "",
) -> Termination:  # fmt: skip
    """Ask our approvers to end a contract after the day `on`; `charge` is less than computed when somebody reduced it.

    Raises:
        Unfit: no reason, a day that makes no sense, a reduction without a reason or above what was computed.
        Conflict: it is not in force, or its end is asked for already.
        NotPermitted: the person may not.
    """
    if not by.has_perm(RIGHT):
        raise NotPermitted("Your roles do not include the right to end contracts.")
    contract = _locked(contract_id)[contract_id]
    _require_live(contract)
    _require_fit(contract, on, reason, side)
    found = earlytermination.preview(contract, on)
    owed = found.total if charge is None else charge
    _require_owed(owed, found.total, reduced_because, contract.currency)
    lines = [line.stored() for line in found.lines]
    made = Termination(
        contract=contract, side=side, on=on, reason=reason.strip(), currency=contract.currency, computed=found.total,
        charge=owed, reduced_because=reduced_because.strip() if owed < found.total else "", lines=lines, asked_by=by,
        content_hash=_hash(contract, on, found, owed),
    )  # fmt: skip
    made.save()
    audit.record("early end asked for", contract, by=by, changes={"charge": [None, str(owed)]}, reason=reason)
    approvals.request(
        made, _asks(made), by=by, url=made.get_absolute_url(), content_hash=made.content_hash, note=made.reason
    )
    return made


@approvals.closed(LABEL)
def decided(made: ApprovalRequest) -> None:
    """The round ended. Raises Changed when the contract changed since the charge was worked out."""
    termination: Termination = Termination.objects.locked(made.subject_id)
    last = made.steps.exclude(decided_by=None).order_by("-decided_at").first()
    reason = last.reason if last else ""
    if made.state != ApprovalRequest.State.GRANTED:
        lifecycle.move(termination, Termination.reject, by=None, reason=reason)
        return
    contract = _locked(termination.contract_id)[termination.contract_id]
    _require_live(contract, but=termination.pk)
    found = earlytermination.preview(contract, termination.on)
    if _hash(contract, termination.on, found, termination.charge) != termination.content_hash:
        raise Changed("The contract changed since this was asked; withdraw it and ask again with the new charge.")
    lifecycle.move(termination, Termination.approve, by=None, reason=reason)
    if termination.on <= timezone.localdate():
        carry_out(termination.pk)


@transaction.atomic
def withdraw(*, termination_id: int, by: User, reason: str) -> Termination:
    """The contract goes on after all; an open round of approval ends. Raises IllegalMove, NotPermitted, Refusal."""
    if not reason.strip():
        raise Refusal(problems={"reason": ["Say why; it is kept with the contract."]})
    approvals.end(Termination.objects.get(pk=termination_id), ApprovalRequest.State.RECALLED)
    termination: Termination = Termination.objects.locked(termination_id)
    lifecycle.move(termination, Termination.withdraw, by=by, reason=reason.strip())
    audit.record("early end withdrawn", termination.contract, by=by, reason=reason)
    return termination


@transaction.atomic
def carry_out(termination_id: int) -> Termination:
    """End the contract and those of its sites, date what they promise, and store the charge. Raises IllegalMove."""
    termination: Termination = Termination.objects.locked(termination_id)
    lifecycle.require_source(termination, Termination.carry_out)
    family = _locked(termination.contract_id)
    whole = family[termination.contract_id]
    keys = [pk for pk in family if pk != whole.parent_id]
    rows = Contract.objects.filter(pk__in=keys)
    ended = lifecycle.move_many(rows, Contract.terminate, by=None, ends_on=termination.on)
    lifecycle.move_many(rows, Contract.cancel, by=None)
    ContractLine.objects.filter(contract__in=keys, ended_on=None).update(ended_on=termination.on)
    Entitlement.objects.filter(contract__in=keys, starts_on__isnull=False).update(ends_on=termination.on)
    if whole.parent_id:
        _leave_parent(family[whole.parent_id], whole, termination.on)
    _store(termination, whole)
    lifecycle.move(termination, Termination.carry_out, by=None, reason=termination.reason)
    outbox.publish_all([events.ContractEnded(contract_id=pk, on=f"{termination.on:%Y-%m-%d}") for pk in ended])
    if termination.asked_by:
        owed = f"{rounded(termination.charge, termination.currency)} {termination.currency} is owed"
        text = f"{whole.number} ended on {termination.on:%-d %B %Y}; {owed}"
        notifications.tell([termination.asked_by], text, termination.get_absolute_url())
    return termination


def due(on: dt.date) -> list[int]:
    """Approved ends whose day is over."""
    rows = Termination.objects.filter(state=Termination.State.APPROVED, on__lt=on).order_by("on", "pk")
    return list(rows.values_list("pk", flat=True))


def current(contract: Contract) -> Termination | None:
    """The latest wish to end a contract."""
    found: Termination | None = contract.terminations.select_related("asked_by").order_by("-id").first()
    return found


def _locked(contract_id: int) -> dict[int, Contract]:
    """The contract with the one above it and those below it, locked by key: whoever ends any of them waits here."""
    related = Q(pk=contract_id) | Q(parent=contract_id) | Q(service_contracts=contract_id)
    keys = Contract.objects.filter(related).values_list("pk", flat=True)
    return {contract.pk: contract for contract in Contract.objects.locked_all(keys)}


def _require_live(contract: Contract, but: int = 0) -> None:
    if contract.state not in earlytermination.LIVE:
        raise Conflict(f"{contract.number} is {contract.get_state_display().lower()}; only one in force is ended.")
    family = [contract.pk, contract.parent_id] if contract.parent_id else [contract.pk]
    others = Termination.objects.filter(contract__in=family, state__in=Termination.OPEN).exclude(pk=but)
    if other := others.select_related("contract").first():
        raise Conflict(f"The end of {other.contract.number} is asked for already: {other.number}.")
    if renewal := Contract.objects.filter(renewed_from__in=family, state=Contract.State.PENDING_SIGNATURE).first():
        raise Conflict(f"{renewal.number} renews it and is signed; cancel that one first.")


def _require_fit(contract: Contract, on: dt.date, reason: str, side: str) -> None:
    problems: dict[str, list[str]] = {}
    today = timezone.localdate()
    if not reason.strip():
        problems["reason"] = ["Say why it ends; it is kept with the contract and stands in the notice."]
    if side not in Termination.Side.values:
        problems["side"] = ["Say who ends it."]
    if on < today - dt.timedelta(days=31):
        problems["on"] = ["That is more than a month ago; name a later last day."]
    elif contract.starts_on and on < contract.starts_on:
        problems["on"] = [f"The contract began on {contract.starts_on:%-d %B %Y}; name a later last day."]
    elif contract.ends_on and on >= contract.ends_on and contract.kind == Contract.Kind.SERVICE:
        problems["on"] = [f"It ends on {contract.ends_on:%-d %B %Y} by itself; give notice instead."]
    elif on > today + dt.timedelta(days=FURTHEST):
        problems["on"] = ["Name a last day within the next two years."]
    if problems:
        raise Unfit(problems=problems)


def _require_owed(owed: Decimal, computed: Decimal, because: str, currency: str) -> None:
    problems: dict[str, list[str]] = {}
    if not owed.is_finite() or not ZERO <= owed <= computed:
        told = f"The charge is between 0 and the {rounded(computed, currency)} that the contract says."
        problems["charge"] = [told if computed else "Nothing is owed for an end on that day; leave this empty."]
    elif owed != rounded(owed, currency):
        problems["charge"] = [f"An amount in {currency} has {digits(currency) or 'no'} digits after the point."]
    elif owed < computed and not because.strip():
        problems["reduced_because"] = ["Say why less is charged than the contract says; finance will read it."]
    if problems:
        raise Unfit(problems=problems)


def _asks(made: Termination) -> list[Ask]:
    charge = f"{rounded(made.charge, made.currency)} {made.currency}" if made.charge else "nothing"
    asks = [Ask("sales_manager", f"Ends before its time, {charge} to be charged")]
    if made.charge < made.computed:
        asks.append(Ask("finance", f"{made.computed - made.charge} {made.currency} less than the contract says", 2))
    return asks


def _hash(contract: Contract, on: dt.date, found: earlytermination.Preview, owed: Decimal) -> str:
    lines = [line.stored() for line in found.lines]
    return approvals.fingerprint([contract.number, on, lines, f"{found.total:.2f}", f"{owed:.2f}"])


def _leave_parent(parent: Contract, contract: Contract, on: dt.date) -> None:
    """One site left the deal: the sales contract no longer counts its lines."""
    ContractLine.objects.filter(contract=parent, site=contract.site_id, ended_on=None).update(ended_on=on)
    before = parent.monthly
    left = ContractLine.objects.filter(contract=parent, ended_on=None)
    parent.monthly = sum(left.values_list("monthly", flat=True), ZERO)
    parent.edition += 1
    parent.save(update_fields=["monthly", "edition", "updated_at"])
    changes = audit.difference({"monthly": before}, {"monthly": parent.monthly})
    audit.record("site ended", parent, by=None, changes=changes, reason=str(contract.site))


def _store(termination: Termination, contract: Contract) -> None:
    """Each line's charge, and what was let off as one row below zero."""
    try:
        profile = billing.profiles_of({contract.account_id})[contract.account_id]
    except billing.NoProfile:
        profile = None  # owed all the same; the bill waits until somebody says who pays
    common = {
        "contract": contract, "termination": termination, "currency": termination.currency, "due_on": termination.on,
        "billing_profile": profile,
    }  # fmt: skip
    rows = [
        ContractCharge(
            kind=ContractCharge.Kind.EARLY_TERMINATION, line_id=line["line_id"], amount=Decimal(line["amount"]),
            label=f"Early end, {line['name']}{', ' + line['site'] if line['site'] else ''}"[:160], steps=line["steps"],
            **common,
        )
        for line in termination.lines
        if Decimal(line["amount"])
    ]  # fmt: skip
    if less := termination.computed - termination.charge:
        kind, label = ContractCharge.Kind.REDUCTION, f"Reduction: {termination.reduced_because}"[:160]
        rows.append(ContractCharge(kind=kind, label=label, amount=-less, **common))
    ContractCharge.objects.bulk_create(rows)

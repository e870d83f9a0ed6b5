"""Renewing: what happens at the end of a term: a signed renewal takes over, the contract goes on, or it is over."""

import datetime as dt
from collections import defaultdict

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from contracts import entitlement, events, periods, rebilling
from contracts.models import Contract, Entitlement
from kernel import audit, lifecycle, outbox
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal

RIGHT = "contracts.add_termination"
SOON = 90  # days before the end in which somebody should talk about the next term
State = Contract.State


def last_day_of_notice(contract: Contract) -> dt.date | None:
    """The last day on which notice for the end of the present term is in time."""
    return contract.ends_on - dt.timedelta(days=contract.notice_days) if contract.ends_on else None


@transaction.atomic
def give_notice(*, contract_id: int, by: User, on: dt.date | None = None) -> Contract:
    """Note that somebody gave notice in time: the contract is over at the end of its term.

    Raises:
        Refusal: notice came too late; the message says how long the contract goes on.
        Conflict: it is not in force, or notice is noted already.
        NotPermitted: the person may not end contracts.
    """
    if not by.has_perm(RIGHT):
        raise NotPermitted("Your roles do not include the right to end contracts.")
    contract: Contract = Contract.objects.locked(contract_id)
    day, deadline = on or timezone.localdate(), last_day_of_notice(contract)
    if contract.state not in (State.ACTIVE, State.SUSPENDED) or deadline is None:
        raise Conflict(f"{contract.number} is {contract.get_state_display().lower()}; there is nothing to end.")
    if contract.notice_given_on:
        raise Conflict(f"Notice was given on {contract.notice_given_on:%-d %B %Y} already.")
    if follows := contract.renewals.exclude(state=State.CANCELLED).first():
        raise Conflict(f"{follows.number} follows it; end that one instead.")
    if day > timezone.localdate():
        raise Refusal(problems={"on": ["Notice is noted when it has come, not before."]})
    if day > deadline and contract.auto_renew:
        until = periods.after(deadline + dt.timedelta(days=contract.notice_days + 1), contract.renew_months)
        text = (
            f"Notice for {contract.ends_on:%-d %B %Y} had to come by {deadline:%-d %B %Y}. The contract goes on until "
            f"{until:%-d %B %Y}; give notice for then, or end it early with its charge."
        )
        raise Refusal(problems={"on": [text]})
    contract.notice_given_on = day
    contract.edition += 1
    contract.save(update_fields=["notice_given_on", "edition", "updated_at"])
    audit.record("notice given", contract, by=by, changes={"ends_on": [None, contract.ends_on]})
    return contract


@transaction.atomic
def set_rule(
    *, contract_id: int, auto_renew: bool, renew_months: int, notice_days: int, by: User
) -> Contract:  # fmt: skip
    """Say what happens at the end of the term. Raises Refusal at fields, Conflict, NotPermitted."""
    if not by.has_perm("contracts.move_contract"):
        raise NotPermitted("Your roles do not include the right to change contracts.")
    problems: dict[str, list[str]] = {}
    if not 1 <= renew_months <= 60:
        problems["renew_months"] = ["A contract goes on by 1 to 60 months."]
    if not 0 <= notice_days <= 365:
        problems["notice_days"] = ["Notice is given 0 to 365 days ahead."]
    if problems:
        raise Refusal(problems=problems)
    contract: Contract = Contract.objects.locked(contract_id)
    if contract.state not in (State.ACTIVE, State.SUSPENDED, State.PENDING_SIGNATURE):
        raise Conflict(f"{contract.number} is {contract.get_state_display().lower()}.")
    wanted = {"auto_renew": auto_renew, "renew_months": renew_months, "notice_days": notice_days}
    before = {name: getattr(contract, name) for name in wanted}
    if changes := audit.difference(before, wanted):
        for name, value in wanted.items():
            setattr(contract, name, value)
        contract.edition += 1
        contract.save(update_fields=[*wanted, "edition", "updated_at"])
        audit.record("rule of renewal changed", contract, by=by, changes=changes)
    return contract


def ending(rows: QuerySet[Contract], days: int, on: dt.date | None = None) -> QuerySet[Contract]:
    """Contracts in force whose term is over within so many days, and that nothing follows yet."""
    today = on or timezone.localdate()
    following = Contract.objects.filter(renewed_from=OuterRef("pk")).exclude(state=State.CANCELLED)
    soon = rows.filter(state=State.ACTIVE, ends_on__lte=today + dt.timedelta(days=days))
    return soon.filter(~Exists(following))


@transaction.atomic
def run(on: dt.date) -> dict[str, int]:
    """The day's work: renewals take over, terms that ran out go on or are over. Safe to run again; how many of each."""
    taken = take_over(on)
    rows = Contract.objects.filter(state=State.ACTIVE, ends_on__lt=on)
    locked = Contract.objects.locked_all(rows.values_list("pk", flat=True))
    late = [one for one in locked if one.state == State.ACTIVE and one.ends_on and one.ends_on < on]
    going_on = [one for one in late if one.auto_renew and one.notice_given_on is None]
    _extend(going_on, on)
    over = [one.pk for one in late if one not in going_on]
    ended = lifecycle.move_many(Contract.objects.filter(pk__in=over), Contract.expire, by=None)
    outbox.publish_all(
        [events.ContractEnded(contract_id=one.pk, on=f"{one.ends_on}") for one in late if one.pk in ended]
    )
    return {"renewed": taken, "extended": len(going_on), "expired": len(ended)}


def take_over(on: dt.date) -> int:
    """Renewals whose day has come are in force, with their live sites; what they renew is over. Returns how many."""
    due = Q(renewed_from__isnull=False, starts_on__lte=on, state=State.PENDING_SIGNATURE)
    rows = list(Contract.objects.filter(due).values_list("pk", "renewed_from"))
    if not rows:
        return 0
    old = {before for _, before in rows}
    family = Q(pk__in=[*old, *(pk for pk, _ in rows)]) | Q(parent__in=old)
    Contract.objects.locked_all(Contract.objects.filter(family).values_list("pk", flat=True))
    started = lifecycle.move_many(Contract.objects.filter(pk__in=[pk for pk, _ in rows]), Contract.activate, by=None)
    over = lifecycle.move_many(Contract.objects.filter(Q(pk__in=old) | Q(parent__in=old)), Contract.expire, by=None)
    rebilling.renewed(started)
    outbox.publish_all([events.ContractEnded(contract_id=pk, on=f"{on - periods.DAY}") for pk in over])
    by_day: dict[dt.date, list[int]] = defaultdict(list)
    for pk, day in Contract.objects.filter(pk__in=started).values_list("pk", "starts_on"):
        by_day[day].append(pk)
    for day, keys in by_day.items():
        entitlement.start(keys, day)
    return len(started)


def _extend(contracts: list[Contract], on: dt.date) -> None:
    by_months: dict[int, list[Contract]] = defaultdict(list)
    for contract in contracts:
        while contract.ends_on and contract.ends_on < on:
            contract.ends_on = periods.after(contract.ends_on + periods.DAY, contract.renew_months)
        by_months[contract.renew_months].append(contract)
    Contract.objects.bulk_update(contracts, ["ends_on"])
    ends = {contract.pk: contract.ends_on for contract in contracts}
    rows = list(Entitlement.objects.filter(contract__in=ends, starts_on__isnull=False))
    for row in rows:
        row.ends_on = ends[row.contract_id]
    Entitlement.objects.bulk_update(rows, ["ends_on"])
    for months, some in by_months.items():
        audit.record_many("went on", some, by=None, changes={"months": [None, months]})

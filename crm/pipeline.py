"""Pipeline: opportunities are opened, moved through the admin's stages, won, lost and reopened."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils import timezone

from crm import events
from crm.models import Account, Opportunity, OpportunityLine, Stage
from kernel import audit, lifecycle, outbox
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal

DAYS_TO_CLOSE = 60  # when nobody says when the signature is expected


class NoSuchStage(Refusal):
    """The pipeline has no such stage, or the stage is not meant for this."""


class ReasonMissing(Refusal):
    """Closing or reopening a deal wants a reason."""


@transaction.atomic
def open_opportunity(
    *, account_id: int, name: str, by: User | None, close_on: dt.date | None = None, **fields: Any
) -> Opportunity:
    """Open a deal for an account in the first open stage, in the account's currency, owned by whoever opens it."""
    account = Account.objects.get(pk=account_id)
    fields.setdefault("owner", by or account.owner)
    opportunity = Opportunity(
        account=account, name=name.strip(), stage=_first(Stage.Outcome.OPEN), currency=account.currency,
        close_on=close_on or timezone.localdate() + dt.timedelta(days=DAYS_TO_CLOSE), **fields,
    )  # fmt: skip
    opportunity.save()
    audit.record("opened", opportunity, by=by, changes={"account": [None, account.name], "name": [None, name]})
    return opportunity


@transaction.atomic
def add_line(
    *, opportunity_id: int, by: User | None, offering_id: int | None = None, description: str = "", quantity: int = 1,
    **prices: Any,
) -> OpportunityLine:  # fmt: skip
    """Note what might be sold; the opportunity's expected monthly revenue becomes the sum of its lines.

    Raises:
        Refusal: the line says nothing, or the opportunity is closed.
    """
    opportunity = Opportunity.objects.locked(opportunity_id)
    _require_open(opportunity)
    if not offering_id and not description.strip():
        raise Refusal(problems={"offering": ["Choose an offering or say in words what it is about."]})
    line = OpportunityLine(
        opportunity=opportunity, offering_id=offering_id, description=description.strip(), quantity=quantity, **prices
    )
    line.save()
    _add_up(opportunity, by)
    return line


@transaction.atomic
def remove_line(*, line_id: int, by: User | None) -> None:
    """Take a line off an open opportunity. Raises Conflict when it is closed."""
    line = OpportunityLine.objects.select_related("opportunity").get(pk=line_id)
    opportunity = Opportunity.objects.locked(line.opportunity_id)
    _require_open(opportunity)
    line.delete()
    _add_up(opportunity, by)


@transaction.atomic
def move_stage(*, opportunity_id: int, stage_key: str, by: User | None, reason: str = "") -> Opportunity:
    """Move a deal to another stage; a stage that means won or lost closes it, an open stage reopens a closed one.

    Raises:
        NoSuchStage: the key names none.
        ReasonMissing: the move closes or reopens the deal without a reason.
        IllegalMove, NotPermitted: see `kernel.lifecycle.move`.
    """
    opportunity: Opportunity = Opportunity.objects.locked(opportunity_id)
    stage = Stage.objects.filter(key=stage_key).first()
    if stage is None:
        raise NoSuchStage(problems={"stage": ["Choose one of the stages of the pipeline."]})
    if stage.pk == opportunity.stage_id:
        return opportunity
    if stage.outcome == opportunity.state:
        if opportunity.state != Opportunity.State.OPEN:
            raise lifecycle.IllegalMove(f"This opportunity is {opportunity.state}; reopen it first.")
        return _restage(opportunity, stage, by)
    if stage.outcome == Stage.Outcome.OPEN:
        return _reopen(opportunity, stage, by, reason)
    closing = Opportunity.win if stage.outcome == Stage.Outcome.WON else Opportunity.lose
    return _close(opportunity, closing, stage, by, reason)


def win(*, opportunity_id: int, because: str, by: User | None) -> Opportunity:
    """The customer accepted. Raises IllegalMove when it is closed already."""
    with transaction.atomic():
        opportunity = Opportunity.objects.locked(opportunity_id)
        return _close(opportunity, Opportunity.win, _first(Stage.Outcome.WON), by, because)


def lose(*, opportunity_id: int, because: str, by: User | None) -> Opportunity:
    """The customer declined. Raises IllegalMove when it is closed already, ReasonMissing without a reason."""
    with transaction.atomic():
        opportunity = Opportunity.objects.locked(opportunity_id)
        return _close(opportunity, Opportunity.lose, _first(Stage.Outcome.LOST), by, because)


def reopen(*, opportunity_id: int, because: str, by: User | None) -> Opportunity:
    """A closed deal is on again, in the last open stage. Raises IllegalMove when it is open."""
    with transaction.atomic():
        opportunity = Opportunity.objects.locked(opportunity_id)
        last = Stage.objects.filter(outcome=Stage.Outcome.OPEN).order_by("-position").first()
        return _reopen(opportunity, last or _first(Stage.Outcome.OPEN), by, because)


def _restage(opportunity: Opportunity, stage: Stage, by: User | None) -> Opportunity:
    if by is not None and not by.has_perm("crm.work_opportunity"):
        raise NotPermitted("Your roles do not include the right to move opportunities.")
    before = opportunity.stage
    opportunity.stage = stage
    opportunity.edition += 1
    opportunity.save()
    audit.record("stage_changed", opportunity, by=by, changes={"stage": [before.name, stage.name]})
    return opportunity


def _close(opportunity: Opportunity, closing: Any, stage: Stage, by: User | None, because: str) -> Opportunity:
    if not because.strip():
        raise ReasonMissing(problems={"reason": ["Say why it was won or lost; the next deal learns from it."]})
    opportunity.stage = stage
    lifecycle.move(opportunity, closing, by=by, reason=because, because=because.strip()[:200])
    outbox.publish(events.OpportunityClosed(opportunity_id=opportunity.pk, state=opportunity.state))
    return opportunity


def _reopen(opportunity: Opportunity, stage: Stage, by: User | None, because: str) -> Opportunity:
    if not because.strip():
        raise ReasonMissing(problems={"reason": ["Say why it is on again."]})
    opportunity.stage = stage
    lifecycle.move(opportunity, Opportunity.reopen, by=by, reason=because)
    return opportunity


def _first(outcome: str) -> Stage:
    stage = Stage.objects.filter(outcome=outcome).order_by("position").first()
    if stage is None:
        raise NoSuchStage(f"The pipeline has no stage that means {outcome}; an admin adds one.")
    return stage


def why_not(opportunity: Opportunity) -> str:
    """Why a deal is no longer planned, if it is not."""
    return (
        ""
        if opportunity.state == Opportunity.State.OPEN
        else f"This opportunity is {opportunity.state}; reopen it first."
    )


def _require_open(opportunity: Opportunity) -> None:
    if opportunity.state != Opportunity.State.OPEN:
        raise Conflict(f"This opportunity is {opportunity.state}; its lines no longer change.")


def _add_up(opportunity: Opportunity, by: User | None) -> None:
    before = opportunity.monthly
    opportunity.monthly = sum(line.monthly * line.quantity for line in opportunity.lines.all())
    opportunity.edition += 1
    opportunity.save(update_fields=["monthly", "edition", "updated_at"])
    audit.record("lines_changed", opportunity, by=by, changes={"monthly": [before, opportunity.monthly]})

"""Opportunities move through stages, are won, lost and reopened."""

from decimal import Decimal

import pytest

from crm import pipeline
from crm.models import Opportunity, OpportunityLine, Stage
from kernel.lifecycle import IllegalMove
from kernel.models.outbox import OutboxEvent
from kernel.models.trail import AuditEntry
from kernel.refusal import Conflict, NotPermitted, Refusal
from tests.factories.crm import AccountFactory, OpportunityFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def test_an_opportunity_starts_in_the_first_stage_with_the_accounts_currency() -> None:
    mira = UserFactory(role="sales_agent")
    opportunity = OpportunityFactory(account=AccountFactory(currency="SEK"), by=mira)
    assert (opportunity.stage.key, opportunity.currency, opportunity.owner) == ("qualify", "SEK", mira)


def test_lines_add_up_and_stop_changing_once_closed() -> None:
    opportunity = OpportunityFactory()
    line = pipeline.add_line(
        opportunity_id=opportunity.pk, by=None, description="SD-WAN", quantity=3, monthly=Decimal("95.50")
    )
    pipeline.add_line(opportunity_id=opportunity.pk, by=None, description="Firewall", monthly=Decimal(10))
    assert Opportunity.objects.get(pk=opportunity.pk).monthly == Decimal("296.50")
    pipeline.remove_line(line_id=line.pk, by=None)
    assert Opportunity.objects.get(pk=opportunity.pk).monthly == Decimal(10)
    with pytest.raises(Refusal) as refused:
        pipeline.add_line(opportunity_id=opportunity.pk, by=None, description=" ")
    assert list(refused.value.problems) == ["offering"]
    pipeline.lose(opportunity_id=opportunity.pk, because="Price", by=None)
    with pytest.raises(Conflict, match="lost"):
        pipeline.add_line(opportunity_id=opportunity.pk, by=None, description="More")
    assert OpportunityLine.objects.count() == 1


def test_a_stage_moves_with_a_trail() -> None:
    mira, opportunity = UserFactory(role="sales_agent"), OpportunityFactory()
    moved = pipeline.move_stage(opportunity_id=opportunity.pk, stage_key="propose", by=mira)
    assert (moved.stage.key, moved.state, moved.edition) == ("propose", "open", 2)
    entry = AuditEntry.objects.get(subject_type="crm.opportunity", action="stage_changed")
    assert (entry.actor, entry.changes) == (mira, {"stage": ["Qualify", "Propose"]})
    again = pipeline.move_stage(opportunity_id=opportunity.pk, stage_key="propose", by=mira)
    assert again.edition == 2


def test_stages_that_end_a_deal_close_it_with_a_reason_and_announce_it() -> None:
    for key, state in (("closed_won", "won"), ("closed_lost", "lost")):
        opportunity = OpportunityFactory()
        with pytest.raises(pipeline.ReasonMissing):
            pipeline.move_stage(opportunity_id=opportunity.pk, stage_key=key, by=None)
        closed = pipeline.move_stage(opportunity_id=opportunity.pk, stage_key=key, by=None, reason="Lead time")
        assert (closed.state, closed.stage.key, closed.reason) == (state, key, "Lead time")
        assert OutboxEvent.objects.filter(
            kind="crm.OpportunityClosed", payload={"opportunity_id": opportunity.pk, "state": state}
        ).exists()
        with pytest.raises(IllegalMove):
            pipeline.win(opportunity_id=opportunity.pk, because="again", by=None)


def test_between_won_and_lost_there_is_no_way_but_reopening() -> None:
    opportunity = OpportunityFactory()
    pipeline.win(opportunity_id=opportunity.pk, because="Quote accepted", by=None)
    with pytest.raises(IllegalMove):
        pipeline.move_stage(opportunity_id=opportunity.pk, stage_key="closed_lost", by=None, reason="x")
    with pytest.raises(NotPermitted):
        pipeline.reopen(opportunity_id=opportunity.pk, because="On again", by=UserFactory(role="sales_agent"))
    petra = UserFactory(role="sales_manager")
    with pytest.raises(pipeline.ReasonMissing):
        pipeline.reopen(opportunity_id=opportunity.pk, because="", by=petra)
    again = pipeline.reopen(opportunity_id=opportunity.pk, because="On again", by=petra)
    assert (again.state, again.stage.key, again.reason) == ("open", "negotiate", "")


def test_an_admins_own_stages_are_used() -> None:
    opportunity = OpportunityFactory()
    Stage.objects.create(key="pilot", name="Pilot", position=35, probability=70)
    assert pipeline.move_stage(opportunity_id=opportunity.pk, stage_key="pilot", by=None).stage.name == "Pilot"
    with pytest.raises(pipeline.NoSuchStage):
        pipeline.move_stage(opportunity_id=opportunity.pk, stage_key="nowhere", by=None)


def test_who_may_not_move_moves_nothing() -> None:
    opportunity, ravi = OpportunityFactory(), UserFactory(role="order_fulfilment_agent")
    for key, reason in (("propose", ""), ("closed_won", "why")):
        with pytest.raises(NotPermitted):
            pipeline.move_stage(opportunity_id=opportunity.pk, stage_key=key, by=ravi, reason=reason)
    assert Opportunity.objects.get(pk=opportunity.pk).stage.key == "qualify"

"""The demo's orders that wait for a person: for a value, for papers, for a choice of what ends."""

import pytest

from config.demo import story, waiting
from fulfillment import taskforms
from fulfillment.models import Task
from kernel import outbox
from kernel.models import ApprovalStep
from orders import reduction, validation
from orders.models import DomainOrder, Order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("blank_pages"), pytest.mark.slow]
PAPERS = {
    "carrier_reference": "NF-204118", "record_lists": ["Main number", "Fax"], "refused_before": "no",
    "lines_at_once": "8",
}  # fmt: skip


def test_each_order_waits_for_what_it_is_said_to_wait_for() -> None:
    team = story.provider()
    story.background(team)
    waiting.tell(team)
    while outbox.drain():
        pass
    held, moving, fewer, bare = Order.objects.order_by("pk").filter(account__name__in=[
        waiting.PLANT, waiting.MOVER, waiting.HOTEL,
    ])  # fmt: skip

    assert held.state == "enrichment_on_hold"
    assert list(held.missing_values.values_list("characteristic__key", flat=True)) == ["handover"]

    assert moving.state == "in_progress"
    (port,) = DomainOrder.objects.filter(order=moving, state="waiting_data")
    assert (port.specification.key, port.missing) == ("number_porting", ["carrier_reference"])
    papers = Task.objects.select_related("flow", "item").get(flow__root_id=moving.pk, key="papers")
    assert taskforms.clean(papers, PAPERS)[1] == {}
    wrong = {"carrier_reference": "204118", "refused_before": "yes", "lines_at_once": "7"}
    assert set(taskforms.clean(papers, wrong)[1]) == {*wrong, "record_lists", "refusal_code"} - {"refused_before"}

    (choice,) = reduction.choices(fewer, list(fewer.lines.all()))[fewer.lines.get().pk]
    assert (choice.name, choice.ends, len(choice.parts)) == ("Set-top box", 2, 4)
    assert [name for name in validation.problems(fewer) if name.endswith("-ending")]

    assert bare.state == "awaiting_approval"
    (step,) = ApprovalStep.objects.filter(request__subject_id=bare.pk, request__subject_type="orders.order")
    assert (step.role, step.because) == ("order_approver", "Products do not go together")
    assert "needs" in step.request.note

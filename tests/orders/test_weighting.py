"""Weighting: how urgent an order is, by the factors of a decision table."""

import pytest

from kernel.decisions import BrokenRule
from kernel.models import AuditEntry, DecisionTable
from orders import weighting
from tests.factories.orders import Shop, fresh


def test_the_priority_is_the_mean_of_the_ranks_by_weight() -> None:
    factors = [{"rank": 90, "weight": 3, "because": "Platinum"}, {"rank": "40", "weight": 2, "because": "Small"}]
    assert weighting.summed(factors) == (70, "Platinum: 90 × 3; Small: 40 × 2")
    assert weighting.summed([]) is None
    assert weighting.summed([{"rank": 50, "weight": 0}]) is None


@pytest.mark.parametrize("factor", [{"rank": 101, "weight": 1}, {"rank": 50, "weight": -1}, {"rank": "high"}, {}])
def test_a_factor_that_is_no_number_or_out_of_range_is_refused(factor: dict[str, object]) -> None:
    with pytest.raises(BrokenRule):
        weighting.summed([factor])


@pytest.mark.django_db
def test_submission_weighs_the_order_and_the_trail_keeps_the_sum() -> None:
    DecisionTable.objects.create(
        key=weighting.TABLE, title="Urgency", hit="collect",
        inputs=[{"name": "lines", "label": "Lines"}],
        outputs=[{"name": "rank"}, {"name": "weight"}, {"name": "because"}],
        rows=[
            {"lines": ">= 1", "rank": "90", "weight": "1", "because": "'There is work'"},
            {"rank": "60", "weight": "1", "because": "'Always'"},
            {"lines": "> 100", "rank": "0", "weight": "9", "because": "'Never here'"},
        ],
    )  # fmt: skip
    order = fresh(Shop().submitted())
    assert order.priority == 75
    entry = AuditEntry.objects.get(subject_type="orders.order", subject_id=order.pk, action="weighed")
    assert entry.reason == "There is work: 90 × 1; Always: 60 × 1"

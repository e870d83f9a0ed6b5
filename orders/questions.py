"""Questions: technical values that an order needs from a person, for enrichment or for a rule that waits."""

from collections.abc import Iterable

from kernel import notifications
from kernel.models import User
from orders.models import MissingValue, Order

ROLE = "order_fulfilment_agent"
ENRICHMENT, RULE = "enrichment", "rule"


def ask(order: Order, wanted: Iterable[tuple[int, int]], *, needed_for: str) -> None:
    """Ask for (line key, characteristic key) pairs and tell those who answer; asked again, nothing happens."""
    pairs = sorted(set(wanted))
    if not pairs:
        return
    before = order.missing_values.count()
    MissingValue.objects.bulk_create(
        [MissingValue(order=order, line_id=line, characteristic_id=c, needed_for=needed_for) for line, c in pairs],
        ignore_conflicts=True,
    )
    if made := order.missing_values.count() - before:
        people = User.objects.filter(groups__name=ROLE, is_active=True).distinct()
        what = "1 technical value" if made == 1 else f"{made} technical values"
        notifications.tell(people, f"{order.number} waits for {what}", f"/orders/{order.number}/values/", event="task")


def waiting(order: Order) -> list[MissingValue]:
    """Values that the order waits for, by line."""
    return list(
        order.missing_values.filter(filled_at__isnull=True)
        .select_related("characteristic__specification", "line__site", "line__offering", "line__specification")
        .order_by("line__position", "characteristic__position", "id")
    )

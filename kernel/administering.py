"""The administrator's home: who may log in, and what the machine did not get through to others."""

from collections.abc import Iterable

from django.urls import reverse

from kernel import home
from kernel.models import Delivery, OutboxEvent, User


def _figures(user: User) -> Iterable[home.Figure]:
    people = User.objects.filter(is_active=True).count()
    stuck = OutboxEvent.objects.filter(done_at=None, attempts__gt=0).count()
    lost = Delivery.objects.exclude(given_up_at=None).count()
    users, events, deliveries = (
        reverse(f"admin:kernel_{name}_changelist") for name in ("user", "outboxevent", "delivery")
    )
    yield home.Figure("People", str(people), f"{users}?is_active__exact=1", "may log in")
    yield home.Figure(
        "Events tried in vain", str(stuck), f"{events}?done_at__isempty=1&attempts__gt=0", "and tried again",
        "bad" if stuck else "",
    )  # fmt: skip
    yield home.Figure(
        "Deliveries given up", str(lost), f"{deliveries}?given_up_at__isempty=0", "to other systems",
        "bad" if lost else "",
    )  # fmt: skip


home.figures(home.ADMINISTERS, _figures, order=1)

"""Shopkeeping: what of the catalogue waits for whoever keeps it, for the home page."""

from collections.abc import Iterable

from django.urls import reverse

from catalog.drafting import OPEN
from catalog.models import Offering, Specification
from kernel.home import Action, Figure
from kernel.models import User

SHOWN = 5  # of each kind


def drafts(user: User) -> Iterable[Action]:
    """Versions in design or under test, those that wait longest first."""
    for model, icon in ((Offering, "books"), (Specification, "pencil")):
        rows = model.objects.visible_to(user).filter(state__in=OPEN).order_by("updated_at")
        for row in rows[:SHOWN]:
            tested, named = row.state == "testing", f"{row.name}, version {row.version}"
            text = f"Take {named} live" if tested else f"Finish {named}"
            yield Action(
                text, row.get_absolute_url(), row.note or "nobody can buy it yet", row.key, icon,
                "run" if tested else "wait", "In testing" if tested else "In design",
                f"changed {row.updated_at:%-d %b}", "Open it", row.updated_at,
            )  # fmt: skip


def figures(user: User) -> Iterable[Figure]:
    """What is on sale, and what is being made."""
    url, rows = reverse("catalog:offering_list"), Offering.objects.visible_to(user)
    yield Figure("Offerings on sale", str(rows.on_sale().count()), url, "today")
    made = rows.filter(state__in=OPEN).count()
    yield Figure("Offerings being made", str(made), f"{url}?state=open", "in design or testing")

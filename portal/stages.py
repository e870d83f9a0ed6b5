"""Stages: the plain words for how far a site is, the same for every product."""

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

ORDER = ("ordered", "planned", "line", "equipment", "visit", "working")
WORDS: dict[str, Any] = {
    "ordered": _("Ordered"), "planned": _("Planned"), "line": _("Line"), "equipment": _("Equipment"),
    "visit": _("Visit"), "working": _("Working"),
}  # fmt: skip
NOW: dict[str, Any] = {
    "ordered": _("We are checking the order"), "planned": _("We are planning it"),
    "line": _("Line is being connected"), "equipment": _("Equipment is being prepared"),
    "visit": _("Engineer visit is being arranged"), "working": _("Last tests before it works"),
}  # fmt: skip
NEXT: dict[str, Any] = {
    "planned": _("we plan it"), "line": _("we connect the line"), "equipment": _("equipment leaves our depot"),
    "visit": _("an engineer comes"), "working": _("last tests, then it works"),
}  # fmt: skip
DONE: dict[str, tuple[str, str, Any]] = {
    "planned": ("ruler-measure", "idle", _("Planning for %(site)s is done")),
    "line": ("plug-connected", "run", _("The line to %(site)s is ready")),
    "equipment": ("truck-delivery", "run", _("Equipment for %(site)s left our depot")),
    "visit": ("tool", "run", _("The engineer has been at %(site)s")),
    "working": ("circle-check", "ok", _("%(site)s works")),
}


@dataclass
class Count:
    """Tasks of one stage at one site."""

    total: int = 0
    done: int = 0
    begun: int = 0
    ended_at: Any = None

    @property
    def over(self) -> bool:
        """Whether all of it is done."""
        return self.total > 0 and self.done == self.total


@dataclass(frozen=True)
class Step:
    """One step of a site's bar: done, now, wait or empty for later."""

    key: str
    word: Any
    kind: str


@dataclass
class Road:
    """How far a site is."""

    accepted: bool
    works: bool
    counts: dict[str, Count] = field(default_factory=dict)
    building: bool = False

    @property
    def now(self) -> str:
        """The furthest stage that has begun and is not over, else the next one to begin; empty once it works."""
        if self.works:
            return ""
        if not self.accepted:
            return "ordered"
        if self.building and "line" in self.counts and not self.counts["line"].over:
            return "line"  # nothing takes longer than building the access
        waiting = [key for key in ORDER[1:] if key in self.counts and not self.counts[key].over]
        begun = [key for key in waiting if self.counts[key].begun and key != "working"]
        return begun[-1] if begun else waiting[0] if waiting else "working" if self.counts else "planned"

    @property
    def next(self) -> str:
        """The stage after the present one that still has something to do."""
        if not self.now:
            return ""
        rest = ORDER[ORDER.index(self.now) + 1 :]
        open_ones = [key for key in rest if key in self.counts and not self.counts[key].over]
        return open_ones[0] if open_ones else "working" if self.now != "working" else ""

    def steps(self, *, waits: bool = False) -> list[Step]:
        """The bar. A stage that the products of the site do not have counts as done once the road has passed it."""
        now = ORDER.index(self.now) if self.now else len(ORDER)
        found = []
        for at, key in enumerate(ORDER):
            mine = self.counts.get(key)
            done = mine.over if mine is not None else at < now
            going = at == now or (mine is not None and mine.begun > 0 and not done)
            kind = ("wait" if waits else "now") if going and self.now else "done" if done or not self.now else ""
            found.append(Step(key, WORDS[key], kind))
        return found

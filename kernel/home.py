"""Home: what needs a person, worst first; apps register next actions and role blocks from their roles.py."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from kernel.models.people import User

ADMINISTERS = "kernel.add_user"
SEVERITY = ("bad", "risk", "wait", "run", "idle", "ok")


@dataclass(frozen=True)
class Action:
    """One thing to do: the text says what, the detail about whom, `due` and `due_detail` by when.

    `word` is on the button. `tone` orders the list: bad (failed, overdue), risk (jeopardy, today), wait, run, idle.
    `stands_for` counts the things behind one row, when a source names its worst few and the rest together.
    """

    text: str
    url: str
    detail: str = ""
    number: str = ""
    icon: str = "clock"
    tone: str = "wait"
    due: str = ""
    due_detail: str = ""
    word: str = "Open it"
    at: dt.datetime | dt.date | None = None
    stands_for: int = 1


@dataclass(frozen=True)
class Figure:
    """One number at the head of the home page, linked to the list behind it."""

    label: str
    value: str
    url: str
    note: str = ""
    tone: str = ""


Rows = Callable[[User], Iterable[Action]]


@dataclass(frozen=True)
class Block:
    """A panel, loaded on its own: either `rows` in the common form, or `url_name` of an app's own fragment."""

    key: str
    title: str
    permission: str
    rows: Rows | None = None
    order: int = 50
    hint: str = ""
    all_url_name: str = ""
    all_label: str = "All"
    url_name: str = ""
    wide: bool = False
    empty: str = "Nothing here now."


@dataclass
class _Registry:
    actions: list[tuple[str, Rows]] = field(default_factory=list)
    figures: list[tuple[str, int, Callable[[User], Iterable[Figure]]]] = field(default_factory=list)
    blocks: dict[str, Block] = field(default_factory=dict)


_all = _Registry()


def next_actions(permission: str, rows: Rows) -> None:
    """Add things that need a person to the one list of next actions; each source yields its worst few."""
    _all.actions.append((permission, rows))


WORST = 5  # of one source, by name


def worst(rows: Any, tell: Callable[[Any], Action], rest: Callable[[int], Action]) -> Iterable[Action]:
    """The worst few of ordered rows, each by its own name, and the others as one action that counts them."""
    found = list(rows[: WORST + 1])
    yield from map(tell, found[:WORST])
    if len(found) > WORST:
        yield rest(rows.count() - WORST)


def figures(permission: str, source: Callable[[User], Iterable[Figure]], *, order: int = 50) -> None:
    """Add numbers to the head of the page."""
    _all.figures.append((permission, order, source))


def add(block: Block) -> None:
    """Add a panel."""
    _all.blocks[block.key] = block


def actions_for(user: User) -> list[Action]:
    """Everything that needs this person, worst first, then earliest."""
    found = [action for permission, rows in _all.actions if user.has_perm(permission) for action in rows(user)]
    return sorted(
        found, key=lambda action: (SEVERITY.index(action.tone) if action.tone in SEVERITY else 9, _moment(action.at))
    )


def figures_for(user: User) -> list[Figure]:
    """Numbers for the head of this person's page; whoever may do everything in no role has the administrator's."""
    administers = user.is_superuser and not user.roles
    return [
        f
        for permission, _, source in sorted(_all.figures, key=lambda s: s[1])
        if (permission == ADMINISTERS if administers else user.has_perm(permission))
        for f in source(user)
    ]


def blocks_for(user: User) -> list[Block]:
    """Panels that this person gets."""
    return sorted((b for b in _all.blocks.values() if user.has_perm(b.permission)), key=lambda block: block.order)


def block(key: str) -> Block | None:
    """A panel by key."""
    return _all.blocks.get(key)


def _moment(at: dt.datetime | dt.date | None) -> str:
    return at.isoformat() if at else "9"


def _approvals(user: User) -> Iterable[Action]:
    from kernel import approvals, judging
    from kernel.templatetags.trunkline import ago

    return [
        Action(
            f"Decide on {about.title}", f"{reverse('approvals')}#s{step.pk}",
            f"{about.customer}: {step.because}" if about.customer else step.because, about.number, "user-check", "risk",
            due="Waits for you", due_detail=f"asked {ago(step.request.requested_at)}", word="Decide",
            at=step.request.requested_at,
        )
        for step, about in judging.abouts(user, approvals.waiting_for(user)[:5])
    ]  # fmt: skip


next_actions("kernel.use_workspace", _approvals)
add(Block("recent", "Recent and followed", "kernel.use_workspace", order=95, url_name="recent"))

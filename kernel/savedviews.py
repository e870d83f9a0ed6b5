"""Saved views: a list's filters, sort and columns under a name, its owner's alone until shared."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.db import IntegrityError, transaction

from kernel import audit, workspace
from kernel.models.listing import SavedView
from kernel.models.people import User
from kernel.refusal import NotPermitted, Refusal

LIMIT = 2000  # characters of a query
MOST = 100  # views of one person
READ = ("path", "name", "query", "owner", "shared", "owner__username", "owner__first_name", "owner__last_name")
NOT_KEPT = ("after", "before", "view", "export", "newer")


@dataclass
class Shelf:
    """The views of one list that a person may choose from, the one in use, and whether it was changed since."""

    path: str
    query: str
    mine: list[SavedView] = field(default_factory=list)
    shared: list[SavedView] = field(default_factory=list)
    now: SavedView | None = None

    @property
    def modified(self) -> bool:
        """Whether the list shows something else than the view in use says."""
        return self.now is not None and self.now.query != self.query

    @property
    def own(self) -> bool:
        """Whether the view in use is the reader's own."""
        return self.now in self.mine


def kept(query: str) -> str:
    """What a view keeps of a page's query: no place in it, no empty value, always in the same order."""
    pairs = [(name, value) for name, value in parse_qsl(query) if name not in NOT_KEPT]
    return urlencode(sorted(pairs, key=lambda pair: pair[0]))


def shelf(path: str, query: str, user: Any) -> Shelf | None:
    """The views of a list for one person; None for who does not work in the workspace."""
    if not isinstance(user, User) or not user.has_perm("kernel.use_workspace"):
        return None
    made, now = Shelf(path, kept(query)), dict(parse_qsl(query)).get("view")
    for view in SavedView.objects.visible_to(user).filter(path=path).select_related("owner").only(*READ):
        (made.mine if view.owner_id == user.pk else made.shared).append(view)
        if str(view.pk) == now:
            made.now = view
    return made


def save(*, path: str, query: str, name: str, shared: bool, by: User) -> SavedView:
    """Keep what a list shows under a name.

    Raises:
        NotPermitted: the person may not open that list.
        Refusal: no name, one that is taken, or more views than anybody can use.
    """
    if not workspace.may_open(by, path):
        raise NotPermitted("You may not open this list.")
    words = _named(name)
    if SavedView.objects.filter(owner=by).count() >= MOST:
        raise Refusal(f"You have {MOST} views. Delete one first.")
    try:
        with transaction.atomic():
            made: SavedView = SavedView.objects.create(
                path=path[:200], query=_checked(query), name=words, shared=shared, owner=by
            )
            audit.record("save_view", made, by=by, changes={"name": [None, words], "shared": [None, shared]})
    except IntegrityError:
        raise Refusal(problems={"name": ["You have a view of this name. Choose another."]}) from None
    return made


@transaction.atomic
def change(
    *, view_id: int, by: User, name: str | None = None, shared: bool | None = None, query: str | None = None
) -> SavedView:
    """Give one's own view another name, share it or not, or let it keep what the list shows now. Raises Refusal."""
    view = _own(view_id, by)
    before = {"name": view.name, "shared": view.shared, "query": view.query}
    view.name = view.name if name is None else _named(name)
    view.shared = view.shared if shared is None else shared
    view.query = view.query if query is None else _checked(query)
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        raise Refusal(problems={"name": ["You have a view of this name. Choose another."]}) from None
    changes = {key: [old, getattr(view, key)] for key, old in before.items() if old != getattr(view, key)}
    audit.record("change_view", view, by=by, changes=changes)
    return view


@transaction.atomic
def delete(*, view_id: int, by: User) -> SavedView:
    """Throw one's own view away. Raises Refusal."""
    view = _own(view_id, by)
    audit.record("delete_view", view, by=by, changes={"name": [view.name, None]})
    SavedView.objects.filter(pk=view.pk).delete()
    return view


def _own(view_id: int, by: User) -> SavedView:
    view: SavedView = SavedView.objects.visible_to(by).locked(view_id)
    if view.owner_id != by.pk:
        raise NotPermitted(f"{view.owner} made this view. Save it under a name of your own to change it.")
    return view


def _named(name: str) -> str:
    words = " ".join(name.split())
    if not words:
        raise Refusal(problems={"name": ["Give the view a name."]})
    if len(words) > 60:
        raise Refusal(problems={"name": ["The name is too long; 60 characters are enough."]})
    return words


def _checked(query: str) -> str:
    kept_query = kept(query)
    if len(kept_query) > LIMIT:
        raise Refusal("This list has more filters than a view can keep.")
    return kept_query

"""Questions over customers that span tables: the tree with its roll-ups, what is open, where lazy panels are."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Sum

from crm.models import Account, Contact, Opportunity, Site, Stage
from kernel.models import User
from kernel.money import ZERO

INLINE_SITES = 40  # more sites than this are shown on a list of their own, so that what follows stays in sight


@dataclass
class Node:
    """One row of an account tree: an account with what is at and below it, or one of its sites."""

    record: Any
    depth: int
    is_site: bool = False
    branch: bool = False
    parent: str = ""
    sites: int = 0
    contacts: int = 0
    deals: int = 0
    monthly: Decimal = ZERO
    lacks: str = ""

    @property
    def key(self) -> str:
        """The row's id on the page."""
        return f"{'site' if self.is_site else 'account'}-{self.record.pk}"


@dataclass
class Tree:
    """An account with everything below it, parents before children."""

    nodes: list[Node]
    sites: int
    countries: int
    inline: bool


def tree(account: Account) -> Tree:
    """The tree from an account downwards with roll-ups; five queries whatever its size."""
    members = list(Account.objects.under(account).order_by("name"))
    keys = [member.pk for member in members]
    sites, contacts, deals = _counts(Site, keys), _counts(Contact, keys), _deals(keys)
    rows = Site.objects.filter(account__in=keys).select_related("contact").order_by("country", "code")
    inline = sum(sites.values()) <= INLINE_SITES
    shown = list(rows) if inline else []
    of: dict[int, list[Site]] = defaultdict(list)
    for site in shown:
        of[site.account_id].append(site)
    nodes = {}
    for member in members:
        n, total = deals.get(member.pk, (0, ZERO))
        nodes[member.pk] = Node(
            member, 0, sites=sites.get(member.pk, 0), contacts=contacts.get(member.pk, 0), deals=n, monthly=total
        )
        nodes[member.pk].lacks = _lacks(nodes[member.pk])
    found = _arranged(account, nodes, of)
    if inline:
        countries = len({site.country for site in shown})
    else:
        countries = rows.order_by().values("country").distinct().count()
    return Tree(found, found[0].sites, countries, inline)


def _arranged(top: Account, nodes: dict[int, Node], sites: dict[int, list[Site]]) -> list[Node]:
    """Parents before children, sites below their account; counts of children added to those above."""
    children: dict[int | None, list[Node]] = defaultdict(list)
    for node in nodes.values():
        children[node.record.parent_id].append(node)
    found: list[Node] = []

    def walk(node: Node, depth: int, parent: str) -> None:
        node.depth, node.parent = depth, parent
        below = children[node.record.pk]
        node.branch = bool(below or sites[node.record.pk])
        found.append(node)
        found.extend(Node(site, depth + 1, is_site=True, parent=node.key) for site in sites[node.record.pk])
        for child in below:
            walk(child, depth + 1, node.key)
            node.sites += child.sites
            node.contacts += child.contacts
            node.deals += child.deals
            node.monthly += child.monthly

    walk(nodes[top.pk], 0, "")
    return found


def _deals(keys: list[int]) -> dict[int, tuple[int, Decimal]]:
    rows = Opportunity.objects.filter(account__in=keys, state=Opportunity.State.OPEN).order_by()
    return {
        pk: (n, total) for pk, n, total in rows.values_list("account").annotate(n=Count("pk"), total=Sum("monthly"))
    }


def _counts(model: Any, keys: list[int]) -> dict[int, int]:
    return dict(model.objects.filter(account__in=keys).order_by().values_list("account").annotate(n=Count("pk")))


def _lacks(node: Node) -> str:
    """What the account itself lacks, before anything of its children is added."""
    missing = []
    if not node.contacts:
        missing.append("contact")
    if node.record.kind == Account.Kind.CHILD and not node.sites:
        missing.append("site")
    return f"No {' and no '.join(missing)}" if missing else ""


@dataclass(frozen=True)
class Lane:
    """One stage of the board with its open deals."""

    stage: Stage
    deals: list[Opportunity]
    count: int
    totals: list[tuple[str, Decimal]]


CARDS = 60  # cards shown of one stage


def board(user: User, *, owner: int | None = None, text: str = "") -> list[Lane]:
    """Open deals by open stage, those expected soonest first; two queries per stage of the pipeline."""
    found = Opportunity.objects.visible_to(user).filter(state=Opportunity.State.OPEN)
    if owner:
        found = found.filter(owner=owner)
    if text:
        found = found.filter(name__icontains=text) | found.filter(account__name__icontains=text)
    sums: dict[int, list[tuple[str, Decimal, int]]] = defaultdict(list)
    for stage, currency, total, n in (
        found.order_by()
        .values_list("stage", "currency")
        .annotate(total=Sum("monthly"), n=Count("pk"))
        .order_by("currency")
    ):
        sums[stage].append((currency, total, n))
    lanes = []
    for stage in Stage.objects.filter(outcome=Stage.Outcome.OPEN):
        deals = found.filter(stage=stage).select_related("account", "owner", "stage").order_by("close_on", "pk")[:CARDS]
        totals = [(currency, total) for currency, total, _ in sums[stage.pk]]
        lanes.append(Lane(stage, list(deals), sum(n for _, _, n in sums[stage.pk]), totals))
    return lanes

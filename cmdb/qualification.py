"""Qualification: what another system asks for is checked against the rules of the sale and the reach of the network.

Eligibility and configuration answer at once; where an offering wants it, the site's feasibility is checked as on the
pages of a quote, and a check that a partner has to answer leaves the item open.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from catalog import configuration, eligibility, shelving
from catalog.models import DecompositionRule, Offering, Specification
from cmdb import feasibility
from cmdb.models import FeasibilityCheck, Qualification, QualificationItem
from crm.models import Account, Site
from kernel import audit
from kernel.models import User
from kernel.refusal import NotPermitted, Refusal

MOST = 500
Problems = dict[str, list[str]]
DEEPEST = 6  # levels of a decomposition that are looked down


@dataclass(frozen=True)
class Wanted:
    """One item: an offering by its key, or a service specification that an offering has to stand on."""

    place: str
    id: str
    offering: str = ""
    service: str = ""
    site: str = ""
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A request as another system makes it."""

    kind: str
    account: Account
    items: list[Wanted]
    title: str = ""
    reference: str = ""
    wanted_by: dt.datetime | None = None
    with_alternatives: bool = False
    with_reasons: bool = True
    only_available: bool = False
    criteria: dict[str, Any] = field(default_factory=dict)


class NotAsked(Refusal):
    """It cannot be answered so; every problem stands at its place."""


@transaction.atomic
def qualify(asked: Asked, *, by: User) -> Qualification:
    """Answer as far as we can at once, and ask whoever else has to.

    Raises:
        NotAsked: with every problem found, each at its place.
        NotPermitted: the roles do not include the right.
        NoRules: nobody has said how far the network reaches.
    """
    if not by.has_perm("cmdb.add_qualification"):
        raise NotPermitted("The roles of this client do not include the right to ask what can be had where.")
    problems = _shape(asked)
    items = _read(asked, problems, by)
    if problems:
        raise NotAsked(problems=problems)
    made: Qualification = Qualification.objects.create(
        kind=asked.kind, account=asked.account, asked_by=by, title=asked.title[:200],
        their_reference=asked.reference[:60], wanted_by=asked.wanted_by, with_alternatives=asked.with_alternatives,
        with_reasons=asked.with_reasons, criteria=asked.criteria,
    )  # fmt: skip
    _judge(items)
    _check(items, by)
    if asked.only_available:
        items = [one for one in items if not one.reasons]
    for one in items:
        one.qualification = made
    QualificationItem.objects.bulk_create(items)
    audit.record("asked", made, by=by)
    return made


def take_answer(*, check_id: int) -> None:
    """A check has its answer: requests that waited for nothing else are done, and listeners may hear so."""
    rows = Qualification.objects.filter(items__check_made=check_id).distinct()
    still = QualificationItem.objects.filter(
        check_made__result=FeasibilityCheck.Result.OPEN, problems=[], qualification__in=rows
    )
    done = list(rows.exclude(pk__in=still.values("qualification")))
    audit.record_many("answered", done, by=None, changes={"state": ["open", "done"]})


def everywhere(by: User, sites: Iterable[str], category: str) -> list[Wanted]:
    """An item for every offering that is sold, at each of these sites; of one category, if one is named."""
    rows = _sold(by).filter(category__key=category) if category else _sold(by)
    keys = list(rows.order_by("position", "key").values_list("key", flat=True))
    pairs = [(site, key) for site in sites for key in keys]
    return [Wanted("place", str(number), offering=key, site=site) for number, (site, key) in enumerate(pairs, 1)]


def services_at(by: User, site: str, values: dict[str, Any]) -> list[Wanted]:
    """An item for every customer-facing service that something sold is made of, at one site."""
    made = DecompositionRule.objects.filter(
        state="active", target__kind=Specification.Kind.CFS, source__in=_sold(by).values("specification")
    )
    keys = sorted(set(made.values_list("target__key", flat=True)))
    return [
        Wanted("place", str(number), service=key, site=site, values=values) for number, key in enumerate(keys, 1)
    ]  # fmt: skip


def _sold(by: User) -> Any:
    """Offerings that this system may see and that stand for something to be delivered."""
    return shelving.narrowed(Offering.objects.on_sale().filter(sellable=True, specification__isnull=False), by)


def _shape(asked: Asked) -> Problems:
    if not asked.items:
        return {"items": ["Say what is asked for, or at which place."]}
    if len(asked.items) > MOST:
        return {"items": [f"At most {MOST} items are answered at once."]}
    found: Problems = {}
    twice = {name for name, count in Counter(one.id for one in asked.items).items() if count > 1}
    for one in asked.items:
        if not one.id or len(one.id) > 60 or one.id in twice:
            found[f"{one.place}:id"] = ["An id has from 1 to 60 characters and is used once."]
        if not one.offering and not one.service:
            found[f"{one.place}:what"] = ["Say what is asked for."]
    return found


def _read(asked: Asked, problems: Problems, by: User) -> list[QualificationItem]:
    """Items with what they name, read in a constant number of queries."""
    keys = {one.offering for one in asked.items if one.offering}
    rows = _sold(by).select_related("specification").prefetch_related("specification__characteristics")
    offerings = {one.key: one for one in rows.filter(key__in=keys)}
    services = _services({one.service for one in asked.items if one.service}, rows)
    places = {int(one.site) for one in asked.items if one.site.isdecimal() and len(one.site) < 16}
    tree = {"account__root": asked.account.root_id, "account__path__startswith": asked.account.path}
    sites = {str(one.pk): one for one in Site.objects.filter(pk__in=places, **tree)}
    found = []
    for position, one in enumerate(asked.items, 1):
        offering, specification = services.get(one.service, (None, None)) if one.service else (None, None)
        offering = offerings.get(one.offering) if one.offering else offering
        if offering is None and (one.offering or one.service):
            problems[f"{one.place}:what"] = [f"“{(one.offering or one.service)[:80]}” is nothing that is sold."]
        if one.site and one.site not in sites:
            problems[f"{one.place}:site"] = [f"There is no site “{one.site[:40]}” of this customer."]
        if offering is not None and offering.specification is not None:
            found.append(QualificationItem(
                position=position, their_item=one.id, offering=offering, site=sites.get(one.site), asked=one.values,
                specification=specification or offering.specification,
            ))  # fmt: skip
    return found


def _services(keys: set[str], offerings: Any) -> dict[str, tuple[Offering, Specification]]:
    """For services by key: the first offering that stands on each, found upward through the rules in force."""
    if not keys:
        return {}
    wanted = {one.pk: one for one in Specification.objects.on_sale().filter(key__in=keys)}
    above: dict[int, set[int]] = {pk: {pk} for pk in wanted}
    parents: dict[int, set[int]] = defaultdict(set)
    for target, source in DecompositionRule.objects.filter(state="active").values_list("target_id", "source_id"):
        parents[target].add(source)
    for _ in range(DEEPEST):
        for reached in above.values():
            reached |= {source for one in reached for source in parents[one]}
    every = set().union(*above.values()) if above else set()
    sold = list(offerings.filter(specification__in=every).order_by("position", "key"))
    found = {}
    for pk, specification in wanted.items():
        offering = next((one for one in sold if one.specification_id in above[pk]), None)
        if offering is not None:
            found[specification.key] = (offering, specification)
    return found


def _judge(items: list[QualificationItem]) -> None:
    """What the rules of the sale say; one query for the tables."""
    placed = [one for one in items if one.site]
    facts = [(one.offering, {"country": one.site.country, "region": one.site.region}) for one in placed if one.site]
    for one, problems in zip(placed, eligibility.problems_of_many(facts), strict=True):
        one.problems = list(problems)
    for one in items:
        if one.offering.needs_site and one.site is None:
            one.problems = [*one.problems, "This is sold at a site. Say at which."]
        if one.asked and one.offering.specification and one.specification == one.offering.specification:
            given = configuration.defaults(one.offering.specification) | one.asked
            for name, texts in configuration.validate(one.offering.specification, given, complete=False).items():
                one.problems += [f"{name}: {text}" for text in texts if name in one.asked]


def _check(items: list[QualificationItem], by: User) -> None:
    """Ask the network for what may be sold and needs it; an answer that still holds is used again."""
    waiting = [one for one in items if one.site_id and one.offering.needs_feasibility and not one.problems]
    known = feasibility.latest((one.site_id, one.offering_id) for one in waiting if one.site_id)
    missing: dict[tuple[int, int], dict[int, list[QualificationItem]]] = defaultdict(lambda: defaultdict(list))
    for one in waiting:
        before: FeasibilityCheck | None = known.get((one.site_id or 0, one.offering_id))
        if before and (feasibility.still_valid(before, one.asked) or feasibility.waits(before, one.asked)):
            one.check_made = before
        else:
            missing[one.offering_id, feasibility.mbps(one.asked)][one.site_id or 0].append(one)
    for (offering_id, _), places in missing.items():
        asked = {site: rows[0].asked for site, rows in places.items()}
        for check in feasibility.check_many(site_ids=list(asked), offering_id=offering_id, asked=asked, by=by):
            for one in places[check.site_id]:
                one.check_made = check

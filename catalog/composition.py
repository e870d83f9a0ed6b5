"""Composition: what products of one site or account require of each other, and what they exclude."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from catalog import memory
from catalog.models import Dependency, Specification


@dataclass(frozen=True)
class Clash:
    """One broken rule: the specification at that site (None when no site is meant), in words.

    `others` are the specifications that must not be beside it, at that site or, with `everywhere`, at the customer.
    """

    site_id: int | None
    specification_id: int
    text: str
    others: frozenset[int] = frozenset()
    everywhere: bool = False

    def touches(self, site_id: int | None, specification_id: int) -> bool:
        """Whether a product of that specification at that site is one of those that do not go together."""
        if (site_id, specification_id) == (self.site_id, self.specification_id):
            return True
        return specification_id in self.others and (self.everywhere or site_id == self.site_id)


@dataclass(frozen=True)
class Rule:
    """One rule for one version of its source; `targets` are all versions of what it names."""

    source_id: int
    source: str
    kind: str
    scope: str
    targets: dict[int, str]


def missing_requirements(present: Mapping[int | None, Iterable[int]]) -> list[Clash]:
    """Requirements that are not met and exclusions that are broken, by site.

    `present` maps a site to the keys of the product specifications there, ordered or installed. Rules of the account's
    scope look at all sites together.
    """
    return broken(rules_of(set().union(*map(set, present.values())) if present else set()), present)


def rule_of(source: Specification, kind: str, scope: str, targets: Iterable[Specification]) -> list[Rule]:
    """A rule that is not kept yet, for every version of what it is about."""
    keys = {source.key, *(target.key for target in targets)}
    rows = list(Specification.objects.filter(key__in=keys).order_by("pk").values_list("pk", "key", "name"))
    wanted = {pk: name for pk, key, name in rows if key in {target.key for target in targets}}
    return [Rule(pk, source.name, kind, scope, wanted) for pk, key, _ in rows if key == source.key]


def broken(rules: list[Rule], present: Mapping[int | None, Iterable[int]]) -> list[Clash]:
    """What of these rules is broken by what is present; no query."""
    sites = {site: set(specifications) for site, specifications in present.items()}
    everywhere = set().union(*sites.values()) if sites else set()
    clashes = []
    for rule in rules:
        for site, here in sites.items():
            if rule.source_id not in here:
                continue
            around = here if rule.scope == Dependency.Scope.SITE else everywhere
            if text := _broken(rule, around):
                others = frozenset(rule.targets) & around if rule.kind == Dependency.Kind.EXCLUDES else frozenset()
                clashes.append(Clash(site, rule.source_id, text, others, rule.scope == Dependency.Scope.ACCOUNT))
    return clashes


def rules_of(sources: set[int]) -> list[Rule]:
    """Rules of these specifications, whichever version they were written for: they go by key."""
    return memory.recall(("dependencies", frozenset(sources)), lambda: _read(sources))


def _read(sources: set[int]) -> list[Rule]:
    keys = dict(Specification.objects.filter(pk__in=sources).values_list("pk", "key"))
    rows = list(
        Dependency.objects.filter(source__key__in=set(keys.values()))
        .order_by("pk")
        .values_list("pk", "source__key", "source__name", "kind", "scope")
    )
    if not rows:
        return []
    through = Dependency.targets.through.objects.filter(dependency__in=[row[0] for row in rows]).order_by("pk")
    wanted: dict[int, list[str]] = defaultdict(list)
    for rule_id, key in through.values_list("dependency_id", "specification__key"):
        wanted[rule_id].append(key)
    versions: dict[str, dict[int, str]] = defaultdict(dict)
    named = {key for found in wanted.values() for key in found}
    for pk, key, name in Specification.objects.filter(key__in=named).order_by("pk").values_list("pk", "key", "name"):
        versions[key][pk] = name
    return [
        Rule(source, name, kind, scope, {pk: said for key in wanted[pk_] for pk, said in versions[key].items()})
        for pk_, source_key, name, kind, scope in rows
        for source, key in keys.items()
        if key == source_key
    ]


def _broken(rule: Rule, around: set[int]) -> str:
    where = "at the same site" if rule.scope == Dependency.Scope.SITE else "at the customer"
    if rule.kind == Dependency.Kind.REQUIRES:
        if rule.targets and not around & rule.targets.keys():
            return f"{rule.source} needs {_listed(rule.targets.values(), 'or')} {where}."
        return ""
    found = [name for pk, name in rule.targets.items() if pk in around and pk != rule.source_id]
    return f"{rule.source} cannot be together with {_listed(found, 'and')} {where}." if found else ""


def _listed(names: Iterable[str], joint: str) -> str:
    said = list(dict.fromkeys(names))
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} {joint} {said[-1]}"

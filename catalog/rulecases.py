"""Rule cases: what eligibility and configuration know when they ask their decision tables."""

from collections.abc import Iterable

from catalog import configuration, eligibility
from catalog.models import Characteristic, Specification
from kernel.tableuse import Fact, Use

FACTS = (
    Fact("offering", "Offering"), Fact("country", "Country"),
    Fact("region", "Region", "text", ("metro", "regional", "remote")),
)  # fmt: skip

KINDS = {Characteristic.Type.NUMBER: "number", Characteristic.Type.BOOLEAN: "boolean"}


def _configured() -> set[str]:
    """Keys of the tables that a specification is configured by."""
    return set(Specification.objects.exclude(conditions="").values_list("conditions", flat=True))


def _chosen(key: str) -> Iterable[Fact]:
    rows = Characteristic.objects.filter(specification__conditions=key, specification__state="active")
    for row in rows.order_by("position"):
        choices = tuple(str(one["value"] if isinstance(one, dict) else one) for one in row.choices or ())
        yield Fact(row.key, row.name, KINDS.get(Characteristic.Type(row.type), "text"), choices)


def _effects(key: str) -> Iterable[Fact]:
    yield Fact("characteristic", "Characteristic", "text", tuple(fact.name for fact in _chosen(key)))
    yield Fact("effect", "Effect", "text", tuple(sorted(configuration.EFFECTS)))
    yield Fact("says", "Says")


USES = (
    Use(
        "", "Configuration", "Which values of a product are asked for, and which do not go together.", facts=_chosen,
        answers=_effects, keys=_configured,
        needed=lambda key: ["A product is configured by it; take it off the specification first."],
    ),
    Use(
        eligibility.TABLE, "Eligibility", "Where an offering may not be sold; without the table it may be everywhere.",
        facts=lambda key: FACTS, answers=lambda key: (Fact("problem", "Problem"),),
    ),
)  # fmt: skip

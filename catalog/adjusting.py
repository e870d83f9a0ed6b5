"""Adjusting: rules that change list prices are kept and checked, and tried on the sample orders before they count."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from catalog import matrices, testbench
from catalog.models import Offering, PriceAdjustment, SampleOrder
from kernel import audit, decisions
from kernel.models import AuditEntry, User
from kernel.refusal import Conflict, Refusal

How = PriceAdjustment.How
LEAST = {
    How.PERCENT: (Decimal(-100), "A change is −100 % or more."),
    How.FACTOR: (Decimal(0), "A factor is 0 or more."),
}
OF_EVERY_LINE = (*matrices.ASKABLE, "build_cost")
WAIVED = "Nothing is calculated when a price is waived."
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Effect:
    """What the sample orders would cost: the charges that change, by sample, and how many samples were looked at."""

    looked: int
    changes: list[tuple[SampleOrder, list[testbench.Cost]]]


@transaction.atomic
def keep(
    *, pk: int | None, values: dict[str, Any], offerings: Sequence[Offering], by: User, seen: str = ""
) -> PriceAdjustment:
    """Keep a rule, a new one for None; every price made from now on follows it, prices of frozen quotes stay.

    Args:
        values: the rule's fields without its key, which a new one takes from its label.
        seen: the mark of the rule as it was when the form was opened.

    Raises:
        Refusal: it cannot be read or would be nonsense, every problem at its field.
        Conflict: somebody changed it meanwhile.
    """
    rule = PriceAdjustment.objects.select_for_update(of=("self",)).get(pk=pk) if pk else PriceAdjustment()
    before = told(rule)
    if pk and seen != mark(rule) and before != _typed(values, offerings):
        raise Conflict(f"{_last(rule)} changed this meanwhile. Compare, then save again to keep yours.")
    if problems := wrong(values, offerings):
        raise Refusal(problems=problems)
    _store(rule, values, offerings)
    changes = audit.difference(before, told(rule))
    if changes or not pk:
        audit.record("changed" if pk else "created", rule, by=by, changes=changes)
    return rule


def wrong(values: dict[str, Any], offerings: Iterable[Offering]) -> dict[str, list[str]]:
    """What keeps a rule from being kept, at its field; empty when nothing does."""
    problems: dict[str, list[str]] = {}
    known = names(offerings)
    for field in ("condition", "value"):
        if text := _unreadable(str(values[field]), known):
            problems[field] = [text]
    if "value" not in problems and (text := _senseless(values)):
        problems["value"] = [text]
    strange = [name for name in _PLACE.findall(values["explanation"]) if name not in known]
    if strange:
        problems["explanation"] = [f"“{strange[0]}” is not known here. {_offered(known)}"]
    if values["how"] == How.AMOUNT and not values["price_list"]:
        problems["price_list"] = ["An amount has a currency: choose the price list that the rule is for."]
    return problems


def names(offerings: Iterable[Offering]) -> list[str]:
    """What a rule of these offerings may speak of; of none means of all that are for sale."""
    chosen = [one.pk for one in offerings]
    rows = Offering.objects.filter(pk__in=chosen) if chosen else Offering.objects.filter(state="active")
    keys = rows.filter(specification__isnull=False).values_list("specification__characteristics__key", flat=True)
    return [*OF_EVERY_LINE, *sorted({key for key in keys if key})]


def try_out(*, pk: int | None, values: dict[str, Any], offerings: Sequence[Offering]) -> Effect:
    """What the sample orders cost now and would with the rule as typed; nothing is stored. Raises Refusal as `keep`."""
    if problems := wrong(values, offerings):
        raise Refusal(problems=problems)
    samples = list(SampleOrder.objects.select_related("price_list").order_by("name"))
    with transaction.atomic():
        before = [testbench.priced(one) for one in samples]
        _store(PriceAdjustment.objects.get(pk=pk) if pk else PriceAdjustment(), values, offerings)
        after = [testbench.priced(one) for one in samples]
        transaction.set_rollback(True)
    found = [
        (sample, [cost for cost in testbench.compared(old, new) if cost.before != cost.amount])
        for sample, old, new in zip(samples, before, after, strict=True)
    ]
    return Effect(len(samples), [(sample, costs) for sample, costs in found if costs])


def mark(rule: PriceAdjustment) -> str:
    """What a rule says now, short: another mark means that somebody changed it."""
    return hashlib.sha256(json.dumps(told(rule), sort_keys=True).encode()).hexdigest()[:16]


def history(rule: PriceAdjustment) -> list[AuditEntry]:
    """Who changed what of it, the last ones first."""
    rows = AuditEntry.objects.filter(subject_type=rule._meta.label_lower, subject_id=rule.pk)
    return list(rows.select_related("actor").order_by("-id")[:8])


def told(rule: PriceAdjustment) -> dict[str, str]:
    """A stored rule field by field in words; nothing for a new one."""
    if not rule.pk:
        return {}
    values = {name: getattr(rule, name) for name in FIELDS}
    return _typed(values, rule.offerings.all())


FIELDS = ("label", "price_list", "charge", "step", "condition", "how", "value", "explanation", "position", "active")


def _typed(values: dict[str, Any], offerings: Iterable[Offering]) -> dict[str, str]:
    said = {name: "" if values[name] is None else str(values[name]) for name in FIELDS}
    return said | {"offerings": ", ".join(sorted(one.key for one in offerings))}


def _store(rule: PriceAdjustment, values: dict[str, Any], offerings: Sequence[Offering]) -> None:
    for name in FIELDS:
        setattr(rule, name, values[name])
    if not rule.pk:
        rule.key = _free_key(values["label"])
    rule.save()
    rule.offerings.set(offerings)


def _free_key(label: str) -> str:
    """A key that no other rule has."""
    base = slugify(label)[:70] or "rule"
    taken = set(PriceAdjustment.objects.filter(key__startswith=base).values_list("key", flat=True))
    return next(key for key in (base, *(f"{base}-{n}" for n in range(2, len(taken) + 3))) if key not in taken)


def _unreadable(text: str, known: list[str]) -> str:
    if wrong := decisions.mistake(text):
        return wrong
    strange = [name for name in decisions.names_in(text) if name not in known]
    return f"“{strange[0]}” is not known here. {_offered(known)}" if strange else ""


def _offered(known: list[str]) -> str:
    return f"There is {', '.join(known[:24])}{' and more' if len(known) > 24 else ''}."


def _senseless(values: dict[str, Any]) -> str:
    how, text = values["how"], values["value"].strip()
    if how == How.WAIVE:
        return WAIVED if text else ""
    if not text:
        return "Say by how much, as a number or a calculation."
    try:
        number = Decimal(text)
    except InvalidOperation:
        return ""
    least, said = LEAST.get(how, (number, ""))
    return said if not number.is_finite() or number < least else ""


def _last(rule: PriceAdjustment) -> str:
    """Who changed it last."""
    entry = next(iter(history(rule)), None)
    return str(entry.actor) if entry and entry.actor else "Somebody"

"""Differences: what an agreement says, as plain data, and what two such states do not have in common."""

from typing import Any

from contracts.models import Agreement

HEAD = {
    "title": "Title", "price_list": "Price list", "currency": "Currency", "starts_on": "Start", "ends_on": "End",
    "term_months": "Minimum term, months",
}  # fmt: skip


def content(agreement: Agreement) -> dict[str, Any]:
    """Everything that the customer signs, as JSON-like data; internal notes and owners are left out."""
    return {
        "head": {label: str(getattr(agreement, name)) for name, label in HEAD.items()},
        "terms": {term.title: term.text for term in agreement.terms.order_by("position", "id")},
        "discounts": {
            f"{discount.offering or 'Everything'}, {discount.charge.replace('_', '-')}": (
                f"{discount.percent.normalize():f} %"
            )
            for discount in agreement.discounts.select_related("offering").order_by("offering_id", "charge")
        },
        "service levels": {
            sla.get_metric_display(): f"{sla.value.normalize():f}" for sla in agreement.slas.order_by("metric")
        },
    }


def between(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, str]]:
    """What changed, in reading order: where it stands, its name, old and new words; empty for added or removed."""
    found = []
    for part in after:
        old, new = before.get(part, {}), after[part]
        found += [
            {"part": part, "name": name, "old": old.get(name, ""), "new": new.get(name, "")}
            for name in [*new, *(name for name in old if name not in new)]
            if old.get(name) != new.get(name)
        ]
    return found

"""Differences: what an agreement says, as plain data, and what two such states do not have in common."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from contracts.models import Agreement, AgreementDiscount
from kernel.money import plain

HEAD = {
    "title": "Title", "price_list": "Price list", "currency": "Currency", "starts_on": "Start", "ends_on": "End",
    "term_months": "Minimum term, months",
}  # fmt: skip


_WORD = re.compile(r"\s*\S+|\s+$")


@dataclass(frozen=True)
class Piece:
    """Words that stay (same), go (out) or come (in)."""

    kind: str
    text: str


def content(agreement: Agreement) -> dict[str, Any]:
    """Everything that the customer signs, as JSON-like data; internal notes and owners are left out."""
    return {
        "head": {label: str(getattr(agreement, name)) for name, label in HEAD.items()},
        "terms": {term.title: term.text for term in agreement.terms.order_by("position", "id")},
        "discounts": {
            f"{discount.offering or discount.category or 'Everything'}, {discount.charge.replace('_', '-')}": (
                _conditions(discount)
            )
            for discount in agreement.discounts.select_related("offering", "category").order_by(
                "offering_id", "category_id", "charge"
            )
        },
        "prices": {str(price): f"{price.amount:f}" for price in agreement.prices.select_related("offering")},
        "partner terms": {
            str(term): term.text for term in agreement.partner_terms.select_related("partner", "offering")
        },
        "service levels": {sla.get_metric_display(): plain(sla.value) for sla in agreement.slas.order_by("metric")},
    }


def _conditions(discount: AgreementDiscount) -> str:
    told = f"{plain(discount.percent)} %"
    if discount.valid_from:
        told += f" from {discount.valid_from}"
    if discount.valid_until:
        told += f" until {discount.valid_until}"
    return told + (f" for {discount.commitment:f} a month" if discount.commitment else "")


def words(old: str, new: str) -> list[Piece]:
    """Both texts as one, word by word: what stays, what goes out, what comes in."""
    before, after = _WORD.findall(old), _WORD.findall(new)
    pieces: list[Piece] = []
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", "".join(before[a:b])))
            continue
        pieces += [Piece("out", "".join(before[a:b]))] if b > a else []
        pieces += [Piece("in", "".join(after[c:d]))] if d > c else []
    return pieces


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

"""Price exchange: rates, rounding, floors, proration and published matrices in a catalogue file."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.utils import timezone

from catalog import matrixmaking
from catalog.models import (
    CurrencyRule,
    ExchangeRate,
    MarginFloor,
    Offering,
    PriceList,
    PriceMatrix,
    ProrationRule,
)
from catalog.publication import Change, put, section
from kernel import lifecycle
from kernel.models import User

# section → its table, the columns that a row is known by, the others
PLAIN: dict[str, tuple[Any, tuple[str, ...], tuple[str, ...]]] = {
    "exchange_rates": (ExchangeRate, ("source", "target", "valid_from"), ("rate", "origin")),
    "currency_rules": (CurrencyRule, ("currency", "valid_from"), ("smallest", "how")),
    "margin_floors": (MarginFloor, ("role", "segment"), ("percent",)),
    "proration_rules": (ProrationRule, ("country", "currency", "valid_from"), ("rule",)),
}
NUMBERS = ("rate", "smallest", "percent")
MATRIX = ("name", "charge", "label", "how", "rows", "columns", "cells", "note")


def register(name: str) -> None:
    """A section whose entries are rows of a table."""
    model, known_by, others = PLAIN[name]

    def load(item: dict[str, Any], by: User | None) -> Iterable[Change]:
        item = {key: Decimal(str(value)) if key in NUMBERS else value for key, value in item.items()}
        lookup = {key: item.pop(key, "") for key in known_by}
        yield put(name, model, lookup, item)[1]

    def dump() -> list[dict[str, Any]]:
        rows = model.objects.values(*known_by, *others)
        return [
            {key: float(value) if key in NUMBERS else value for key, value in row.items() if value not in ("", None)}
            for row in rows
        ]

    section(name, load, dump, 62)


def load_matrix(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    """A version that is published is left as it is; a new one is brought into force on its day."""
    item = dict(item)
    lookup = {"key": item.pop("key"), "version": item.pop("version", 1)}
    there = PriceMatrix.objects.filter(**lookup, state=PriceMatrix.State.ACTIVE).first()
    if there is not None:
        yield Change("price_matrices", str(there), "same")
        return
    starts_on = item.pop("starts_on", timezone.localdate())
    item["price_list"] = PriceList.objects.get(key=item["price_list"])
    item["offering"] = Offering.objects.select_related("specification").get(key=item["offering"], state="active")
    item["cells"] = [[str(cell) for cell in row] for row in item["cells"]]
    row, change = put("price_matrices", PriceMatrix, lookup, item)
    heads = row.rows["heads"], row.columns["heads"]
    row.rows, row.columns, row.cells = _read(row, *([[str(part) for part in head] for head in side] for side in heads))
    row.starts_on, row.published_at = starts_on, timezone.now()
    lifecycle.move(row, PriceMatrix.publish, by=by)
    yield change


def _read(row: PriceMatrix, rows: list[list[str]], columns: list[list[str]]) -> tuple[Any, Any, Any]:
    """Heads and cells in their one form. Raises Unsound."""
    found = matrixmaking.read(row, rows, columns, row.cells)
    return found["rows"], found["columns"], found["cells"]


def dump_matrices() -> list[dict[str, Any]]:
    """The versions in force."""
    rows = PriceMatrix.objects.filter(state=PriceMatrix.State.ACTIVE).select_related("price_list", "offering")
    return [
        {"key": row.key, "version": row.version, "price_list": row.price_list.key, "offering": row.offering.key,
         "starts_on": row.starts_on or dt.date.min} | {name: getattr(row, name) for name in MATRIX}
        for row in rows
        if row.offering.state == "active"
    ]  # fmt: skip


for _name in PLAIN:
    register(_name)
section("price_matrices", load_matrix, dump_matrices, 64)

"""Prices without a database: entries, rules, matrices and books in memory."""

import datetime as dt
from decimal import Decimal
from typing import Any

from catalog import pricing
from catalog.currencies import Rate
from catalog.matrices import Grid
from catalog.models import PriceAdjustment, PriceEntry, PriceMatrix
from catalog.pricing import PriceBook, PricedCharge, PricingInput

RATE = Rate("EUR", "CHF", Decimal("0.5"), dt.date(2026, 11, 1))


def entry(amount: str = "100", /, **values: Any) -> PriceEntry:
    return PriceEntry(
        **{"offering_id": 1, "charge": "recurring", "label": "Monthly", "amount": Decimal(amount)} | values
    )


def rule(key: str, step: str = "attribute", how: str = "percent", value: str = "-10", **values: Any) -> PriceAdjustment:
    return PriceAdjustment(
        **{"key": key, "label": key.capitalize(), "charge": "recurring", "step": step, "how": how, "value": value}
        | values
    )


def matrix(cells: list[list[str]], how: str = "amount", **values: Any) -> Grid:
    shape = {
        "key": "m", "version": 3, "name": "Grid", "how": how, "charge": "recurring", "label": "Monthly", "cells": cells,
        "rows": {"by": ["size"], "heads": [["S"], ["L"]]}, "columns": {"by": ["term"], "heads": [["..11"], ["12.."]]},
    }  # fmt: skip
    return Grid(PriceMatrix(**shape | values))


def book(entries: list[PriceEntry], *rules: Any, **values: Any) -> PriceBook:
    return PriceBook("EUR", {1: entries}, {1: list(rules)}, **values)


def priced(made: PriceBook, /, **values: Any) -> list[PricedCharge]:
    return pricing.price(made, PricingInput(**{"offering_id": 1, "values": {}} | values))

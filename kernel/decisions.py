"""Decisions: tables of rules and single expressions, evaluated by the zen engine in this process, never by eval."""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import zen

from kernel.models.decisions import DecisionTable
from kernel.refusal import Refusal

_engine = zen.ZenEngine()


class BrokenRule(Refusal):
    """A rule cannot be evaluated; the message names it."""


def decide(key: str, facts: dict[str, Any]) -> dict[str, Any]:
    """The outputs of the first matching row of the active table, {} when none matches.

    Raises:
        BrokenRule: there is no such table or a cell cannot be evaluated.
    """
    found = _evaluate(key, facts)
    return found if isinstance(found, dict) else (found[0] if found else {})


def collect(key: str, facts: dict[str, Any]) -> list[dict[str, Any]]:
    """The outputs of every matching row of the active table."""
    found = _evaluate(key, facts)
    return found if isinstance(found, list) else ([found] if found else [])


def holds(condition: str, facts: dict[str, Any]) -> bool:
    """Whether an expression is true for these facts; an empty one always is."""
    return not condition.strip() or bool(calculate(condition, facts))


def calculate(expression: str, facts: dict[str, Any]) -> Any:
    """The value of one zen expression. Raises BrokenRule."""
    try:
        return zen.evaluate_expression(expression, facts)
    except Exception as error:
        raise BrokenRule(f"The expression “{expression}” cannot be evaluated: {error}") from error


def check(expression: str) -> None:
    """Compile an expression. Raises BrokenRule with the place of the mistake."""
    try:
        zen.compile_expression(expression)
    except Exception as error:
        raise BrokenRule(f"“{expression}” is not a valid expression: {error}") from error


def reader(key: str) -> Callable[[dict[str, Any]], list[dict[str, Any]]] | None:
    """The active table read once, to be asked for many facts without further queries; None when there is none."""
    table = DecisionTable.objects.filter(key=key, state=DecisionTable.State.ACTIVE).first()
    if table is None:
        return None
    decision = _compiled(json.dumps(content(table), sort_keys=True))

    def ask(facts: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            found = decision.evaluate(facts)["result"]
        except Exception as error:
            raise BrokenRule(f"Decision table “{table.title}” cannot be evaluated: {error}") from error
        return found if isinstance(found, list) else ([found] if found else [])

    return ask


def _evaluate(key: str, facts: dict[str, Any]) -> Any:
    table = DecisionTable.objects.filter(key=key, state=DecisionTable.State.ACTIVE).first()
    if table is None:
        raise BrokenRule(f"There is no active decision table “{key}”.")
    try:
        return _compiled(json.dumps(content(table), sort_keys=True)).evaluate(facts)["result"]
    except BrokenRule:
        raise
    except Exception as error:
        raise BrokenRule(f"Decision table “{table.title}” cannot be evaluated: {error}") from error


@lru_cache(maxsize=256)
def _compiled(document: str) -> zen.ZenDecision:
    return _engine.create_decision(document)


def content(table: DecisionTable) -> dict[str, Any]:
    """The table as a zen decision document."""
    columns = [
        {"id": f"i{n}", "name": c.get("label", c["name"]), "field": c["name"]} for n, c in enumerate(table.inputs)
    ]
    results = [
        {"id": f"o{n}", "name": c.get("label", c["name"]), "field": c["name"]} for n, c in enumerate(table.outputs)
    ]
    rules = [
        {"_id": f"r{n}"} | {c["id"]: str(row.get(c["field"], "") or "") for c in columns + results}
        for n, row in enumerate(table.rows)
    ]
    return {
        "nodes": [
            {"id": "in", "type": "inputNode", "name": "in", "position": {"x": 0, "y": 0}},
            {
                "id": "table", "type": "decisionTableNode", "name": table.key, "position": {"x": 1, "y": 0},
                "content": {"hitPolicy": table.hit, "inputs": columns, "outputs": results, "rules": rules},
            },
            {"id": "out", "type": "outputNode", "name": "out", "position": {"x": 2, "y": 0}},
        ],
        "edges": [
            {"id": "a", "sourceId": "in", "targetId": "table", "type": "edge"},
            {"id": "b", "sourceId": "table", "targetId": "out", "type": "edge"},
        ],
    }  # fmt: skip

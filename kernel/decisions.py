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


def check_table(table: DecisionTable) -> None:
    """Read every cell of a table. Raises BrokenRule that names the row and the column of the first mistake."""
    for part in ("inputs", "outputs"):
        columns = getattr(table, part)
        if not isinstance(columns, list) or any(not isinstance(c, dict) or not c.get("name") for c in columns):
            raise BrokenRule(f'Each of the {part} needs a name, as in [{{"name": "discount", "label": "Discount"}}].')
    if not isinstance(table.rows, list) or any(not isinstance(row, dict) for row in table.rows):
        raise BrokenRule("The rows are a list of objects, one key for each column.")
    for number, row in enumerate(table.rows, 1):
        for columns, test in ((table.inputs, zen.compile_unary_expression), (table.outputs, zen.compile_expression)):
            for column in columns:
                _check_cell(number, column, _cell(row.get(column["name"])), test)


def _check_cell(number: int, column: dict[str, Any], cell: str, test: Callable[[str], Any]) -> None:
    if not cell.strip():
        return
    try:
        test(cell)
    except Exception as error:
        name = column.get("label") or column["name"]
        raise BrokenRule(f"Row {number}, {name}: “{cell}” cannot be read: {error}") from error


def reader(key: str) -> Callable[[dict[str, Any]], list[dict[str, Any]]] | None:
    """The active table read once, to be asked for many facts without further queries; None when there is none."""
    table = DecisionTable.objects.filter(key=key, state=DecisionTable.State.ACTIVE).first()
    if table is None:
        return None
    decision = _compiled(json.dumps(content(table), sort_keys=True))

    def ask(facts: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            found: Any = decision.evaluate(facts)["result"]
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


def _cell(value: Any) -> str:
    """A cell as the engine reads it; an empty one matches anything, 0 and false do not."""
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, bool | int | float) else str(value)


def content(table: DecisionTable) -> dict[str, Any]:
    """The table as a zen decision document."""
    columns = [
        {"id": f"i{n}", "name": c.get("label", c["name"]), "field": c["name"]} for n, c in enumerate(table.inputs)
    ]
    results = [
        {"id": f"o{n}", "name": c.get("label", c["name"]), "field": c["name"]} for n, c in enumerate(table.outputs)
    ]
    rules = [
        {"_id": f"r{n}"} | {c["id"]: _cell(row.get(c["field"])) for c in columns + results}
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

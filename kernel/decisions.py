"""Decisions: tables of rules and single expressions, evaluated by the zen engine in this process, never by eval."""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import zen
from django.db import connection
from django.utils import timezone

from kernel.models.decisions import DecisionTable
from kernel.refusal import Refusal

Facts = dict[str, Any]
Reader = Callable[[Facts], list[dict[str, Any]]]

ROW = "_row"  # the hidden output that says which row was hit
REMEMBERED = 2000  # answers that one reader keeps
# Which versions are in force, as `DatedQuerySet.in_force` says it, with PostgreSQL's own marks of stored rows: these
# change with every write. Written out, as it is asked so often that building it each time would tell.
_MARKS = """
SELECT DISTINCT ON (key) id, key, xmin::text || ctid::text || pg_postmaster_start_time() FROM kernel_decisiontable
WHERE state = 'active' AND valid_from <= %s AND key = ANY(%s) ORDER BY key, valid_from DESC, version DESC
"""
_engine = zen.ZenEngine()
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_held: ContextVar[dict[tuple[str, dt.date | None], "Judge | None"] | None] = ContextVar("held", default=None)
_NAME = re.compile(r"(?<![\w.$])[A-Za-z_]\w*(?!\w*\s*\()")


class BrokenRule(Refusal):
    """A rule cannot be evaluated; the message names it."""


@dataclass(frozen=True)
class Hit:
    """One row that counts: its place from 0, and what it says."""

    row: int
    outputs: dict[str, Any]


@dataclass(frozen=True)
class Judge:
    """One version compiled: called with facts it says which rows count. `mentioned` are the facts it looks at, `rows`
    what is written in it."""

    ask: Callable[[Facts], list[Hit]]
    title: str
    mentioned: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]

    def __call__(self, facts: Facts) -> list[Hit]:
        """The rows that count for these facts. Raises BrokenRule."""
        return self.ask(facts)


def decide(key: str, facts: Facts, on: dt.date | None = None) -> dict[str, Any]:
    """The outputs of the row that counts in the table in force on that day (today), {} when none matches.

    Raises:
        BrokenRule: there is no such table or a cell cannot be evaluated.
    """
    found = collect(key, facts, on)
    return found[0] if found else {}


def collect(key: str, facts: Facts, on: dt.date | None = None) -> list[dict[str, Any]]:
    """The outputs of every row that counts in the table in force on that day. Raises BrokenRule."""
    ask = reader(key, on)
    if ask is None:
        raise BrokenRule(f"There is no active decision table “{key}”.")
    return ask(facts)


def holds(condition: str, facts: Facts) -> bool:
    """Whether an expression is true for these facts; an empty one always is."""
    return not condition.strip() or bool(calculate(condition, facts))


def holds_by_now(condition: str, facts: Facts) -> bool:
    """Whether a condition holds where facts may be missing still: it does not then. Raises BrokenRule for a mistake."""
    try:
        return holds(condition, facts)
    except BrokenRule:
        check(condition)
        return False


def calculate(expression: str, facts: Facts) -> Any:
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
        raise BrokenRule(f"“{expression}” is not a valid expression: {reason(error)}") from error


def mistake(expression: str) -> str:
    """What is wrong with an expression, "" when it can be read or says nothing."""
    try:
        check(expression) if expression.strip() else None
    except BrokenRule as error:
        return str(error)
    return ""


def check_cell(cell: str, *, output: bool) -> str:
    """What is wrong with one cell as the engine reads it, empty when nothing is."""
    if not cell.strip():
        return ""
    try:
        (zen.compile_expression if output else zen.compile_unary_expression)(cell)
    except Exception as error:
        return reason(error)
    return ""


def reason(error: Exception) -> str:
    """What the engine says of a mistake, in words where we have some, without its inner workings."""
    text = str(error).partition("\n")[0]
    try:
        text = str(json.loads(text).get("source") or text)
    except (ValueError, AttributeError):
        return text
    return next((words for said, words in _WORDS_FOR if said in text), text)


_WORDS_FOR = (
    ("Unexpected EOF", "a quotation mark is not closed"),
    ("Expected Bracket", "a bracket is not closed"),
    ("Expected a literal", "something is missing at its end"),
    ("Unexpected end of unary expression", "something is missing at its end"),
    ("Incomplete parser output", "it goes on where it should end; compare with == and join with “and” or “or”"),
)


def check_table(table: DecisionTable) -> None:
    """Read every cell of a table. Raises BrokenRule that names the row and the column of the first mistake."""
    for part in ("inputs", "outputs"):
        columns = getattr(table, part)
        if not isinstance(columns, list) or any(not isinstance(c, dict) or not c.get("name") for c in columns):
            raise BrokenRule(f'Each of the {part} needs a name, as in [{{"name": "discount", "label": "Discount"}}].')
    if not isinstance(table.rows, list) or any(not isinstance(row, dict) for row in table.rows):
        raise BrokenRule("The rows are a list of objects, one key for each column.")
    for number, row in enumerate(table.rows, 1):
        for columns, output in ((table.inputs, False), (table.outputs, True)):
            for column in columns:
                cell = text_of(row.get(column["name"]))
                if wrong := check_cell(cell, output=output):
                    name = column.get("label") or column["name"]
                    raise BrokenRule(f"Row {number}, {name}: “{cell}” cannot be read: {wrong}")


def reader(key: str, on: dt.date | None = None) -> Reader | None:
    """The table in force read once, to be asked for many facts without further queries; None when there is none."""
    return readers([key], on).get(key)


def readers(keys: Iterable[str], on: dt.date | None = None) -> dict[str, Reader]:
    """Readers of several tables by key; keys without a table in force are left out. One query, see `judges`."""
    return {key: _said(ask) for key, ask in judges(keys, on).items()}


@contextmanager
def holding() -> Iterator[None]:
    """Within this block each table is looked up once: what is in force at its beginning holds to its end."""
    token = _held.set({})
    try:
        yield
    finally:
        _held.reset(token)


def judges(keys: Iterable[str], on: dt.date | None = None) -> dict[str, Judge]:
    """Like `readers`, naming the row of each answer.

    One query finds which versions count, a second loads those that this process has not read yet.
    """
    held = _held.get()
    if held is None:
        return _found(set(keys), on)
    wanted = set(keys)
    if missing := {key for key in wanted if (key, on) not in held}:
        fresh = _found(missing, on)
        held.update({(key, on): fresh.get(key) for key in missing})
    return {key: ask for key in wanted if (ask := held[key, on])}


def _found(keys: set[str], on: dt.date | None) -> dict[str, Judge]:
    with connection.cursor() as cursor:
        cursor.execute(_MARKS, [on or timezone.localdate(), sorted(keys)])
        marks = {(pk, mark): key for pk, key, mark in cursor.fetchall()}
    found = {key: _known[mark] for mark, key in marks.items() if mark in _known}
    missing = {key: mark for mark, key in marks.items() if key not in found}
    if missing:
        for table in DecisionTable.objects.filter(pk__in=[pk for pk, _ in missing.values()]):
            found[table.key] = judge(table)
            _keep(missing[table.key], found[table.key])
    return found


def reader_of(table: DecisionTable) -> Reader:
    """A reader of one version, saved or not; it answers the same facts from memory."""
    return _said(judge(table))


def judge(table: DecisionTable) -> Judge:
    """Like `reader_of`, naming the row of each answer. What it is asked for again, it answers from memory."""
    decision = _compiled(json.dumps(content(table), sort_keys=True))
    names = mentioned(table)
    priorities = [int(row.get("_priority") or 0) for row in table.rows]
    title, policy = table.title, table.hit
    answers: dict[Any, list[Hit]] = {}

    def ask(facts: Facts) -> list[Hit]:
        asked = {name: facts[name] for name in names if name in facts}
        try:
            mark = tuple((name, type(value), value) for name, value in asked.items())
            known = answers.get(mark)
        except TypeError:  # a list or a dict among the facts
            mark, known = None, None
        if known is None:
            known = _policed(_hits(decision, asked, title), policy, priorities, title)
            if mark is not None and len(answers) < REMEMBERED:
                answers[mark] = known
        return [Hit(hit.row, dict(hit.outputs)) for hit in known]

    return Judge(ask, table.title, tuple(names), tuple(table.rows))


def mentioned(table: DecisionTable) -> list[str]:
    """Facts that the table looks at: its inputs, and every name that its cells calculate with."""
    names = {str(column["name"]).partition(".")[0]: None for column in table.inputs}
    columns = [column["name"] for column in [*table.inputs, *table.outputs]]
    for row in table.rows:
        for column in columns:
            names.update(dict.fromkeys(names_in(text_of(row.get(column)))))
    return list(names)


def names_in(expression: str) -> list[str]:
    """Names that an expression calculates with; those behind a dot and those of functions belong to others."""
    found = _NAME.findall(_QUOTED.sub("''", expression))
    return [name for name in dict.fromkeys(found) if name not in _WORDS]


_WORDS = frozenset({"and", "or", "not", "in", "true", "false", "null"})
_known: dict[tuple[int, str], Judge] = {}


def _said(ask: Judge) -> Reader:
    return lambda facts: [hit.outputs for hit in ask(facts) if hit.outputs]


def _keep(mark: tuple[int, str], ask: Judge) -> None:
    if len(_known) >= 256:
        _known.clear()
    _known[mark] = ask


def _hits(decision: zen.ZenDecision, facts: Facts, title: str) -> list[Hit]:
    try:
        found: Any = decision.evaluate(facts)["result"]
    except Exception as error:
        raise BrokenRule(f"Decision table “{title}” cannot be evaluated: {reason(error)}") from error
    rows = found if isinstance(found, list) else ([found] if found else [])
    return [Hit(int(row[ROW]), {name: value for name, value in row.items() if name != ROW}) for row in rows]


def _policed(hits: list[Hit], policy: str, priorities: list[int], title: str) -> list[Hit]:
    if policy == DecisionTable.Hit.UNIQUE and len(hits) > 1:
        rows = " and ".join(str(hit.row + 1) for hit in hits[:3])
        raise BrokenRule(f"Decision table “{title}” should have one row that matches, but rows {rows} do.")
    if policy == DecisionTable.Hit.PRIORITY and hits:
        return [max(hits, key=lambda hit: (priorities[hit.row], -hit.row))]
    return hits


@lru_cache(maxsize=256)
def _compiled(document: str) -> zen.ZenDecision:
    return _engine.create_decision(document)


def text_of(value: Any) -> str:
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
        {"_id": f"r{n}", "row": str(n)} | {c["id"]: text_of(row.get(c["field"])) for c in columns + results}
        for n, row in enumerate(table.rows)
    ]
    results.append({"id": "row", "name": ROW, "field": ROW})
    policy = "first" if table.hit == DecisionTable.Hit.FIRST else "collect"
    return {
        "nodes": [
            {"id": "in", "type": "inputNode", "name": "in", "position": {"x": 0, "y": 0}},
            {
                "id": "table", "type": "decisionTableNode", "name": table.key, "position": {"x": 1, "y": 0},
                "content": {"hitPolicy": policy, "inputs": columns, "outputs": results, "rules": rules},
            },
            {"id": "out", "type": "outputNode", "name": "out", "position": {"x": 2, "y": 0}},
        ],
        "edges": [
            {"id": "a", "sourceId": "in", "targetId": "table", "type": "edge"},
            {"id": "b", "sourceId": "table", "targetId": "out", "type": "edge"},
        ],
    }  # fmt: skip

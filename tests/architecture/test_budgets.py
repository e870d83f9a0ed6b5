"""Budgets: they hold where names alone do not."""

import ast

from tests.architecture import source

FILE = 400
FUNCTION = 40


def test_no_file_is_longer_than_its_budget() -> None:
    files = (path for path in source.tracked("*.py", "*.html", "*.js") if "/migrations/" not in source.name(path))
    lengths = {source.name(path): len(path.read_text().splitlines()) for path in files}

    assert {name: length for name, length in lengths.items() if length > FILE} == {}


def test_no_function_is_longer_than_its_budget() -> None:
    long = {}
    for path in source.modules(*source.RANK, "tests"):
        for node in ast.walk(source.tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (length := _length(node)) > FUNCTION:
                long[f"{source.name(path)}:{node.lineno} {node.name}"] = length

    assert long == {}


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, the docstring aside: saying more must never be dearer than saying less."""
    said = function.body[0] if ast.get_docstring(function) is not None else None
    words = (said.end_lineno or said.lineno) - said.lineno + 1 if said else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - words

"""The same rooms in every app, under names that say what is in them."""

import ast

import pytest

from tests.architecture import source

BANNED = {"utils", "helpers", "services", "managers", "misc", "common"}
ROOMS = ("__init__.py", "apps.py", "urls.py", "models/__init__.py", "views/__init__.py", "migrations/__init__.py")


@pytest.mark.parametrize("app", source.APPS)
def test_every_app_has_the_same_rooms(app: str) -> None:
    assert [room for room in ROOMS if not (source.ROOT / app / room).is_file()] == []


@pytest.mark.parametrize("app", [*source.APPS, "kernel"])
def test_an_app_says_what_it_owns_and_never_does(app: str) -> None:
    said = ast.get_docstring(source.tree(source.ROOT / app / "__init__.py")) or ""

    assert "Owns" in said
    assert "never" in said.lower()
    assert "Start reading" in said


def test_no_file_is_named_after_nothing() -> None:
    assert [source.name(path) for path in source.tracked("*.py") if path.stem in BANNED] == []


def test_every_module_opens_with_a_sentence() -> None:
    wrong = []
    for path in source.modules():
        if not path.stat().st_size:
            continue  # Django's folders of commands and template tags need an empty one
        first = (ast.get_docstring(source.tree(path)) or "").split("\n\n")[0].strip()
        if not first.endswith((".", "!", "?")) or not first[:1].isupper():
            wrong.append(source.name(path))

    assert wrong == []


@pytest.mark.parametrize("app", source.APPS)
def test_events_are_frozen_facts_of_plain_values(app: str) -> None:
    path = source.ROOT / app / "events.py"
    wrong = []
    for node in source.tree(path).body if path.is_file() else []:
        if isinstance(node, ast.ClassDef):
            decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
            if "dataclass(frozen=True)" not in decorators or any(isinstance(n, ast.FunctionDef) for n in node.body):
                wrong.append(node.name)

    assert wrong == []


def test_reactions_are_registered_where_they_are_looked_for() -> None:
    wrong = [
        source.name(path)
        for path in source.modules(*source.APPS, "kernel")
        if "@outbox.reaction" in path.read_text() and path.stem != "reactions" and path.parent.name != "reactions"
    ]

    assert wrong == []

"""Lifecycles: declared once, moved in one place, guarded by the database."""

import ast
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django_fsm import FSMFieldMixin

from tests.architecture import source


def lifecycles() -> list[tuple[type[models.Model], Any]]:
    """Every model with every lifecycle field of it."""
    return [
        (model, field)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, FSMFieldMixin)
    ]


def test_there_are_lifecycles() -> None:
    assert len(lifecycles()) >= 10


@pytest.mark.parametrize(("model", "field"), lifecycles(), ids=lambda value: getattr(value, "__name__", ""))
def test_the_database_guards_what_the_model_declares(model: type[models.Model], field: Any) -> None:
    guards = [t for t in getattr(model._meta, "triggers", []) if getattr(t, "field", None) == field.name]
    declared = {(str(t.source), str(t.target)) for t in field.get_all_transitions(model)}

    assert field.protected, "assigning the field must be an error"
    assert len(guards) == 1, "decorate the model with lifecycle.guarded"
    assert set(guards[0].transitions) == declared


def test_nobody_refreshes_a_record() -> None:
    """django-fsm's refresh_from_db() unprotects the field for the whole process; fetch the record again instead."""
    wrong = [
        f"{source.name(path)}:{node.lineno}"
        for path in source.modules(*source.RANK, "tests")
        for node in ast.walk(source.tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"refresh_from_db", "arefresh_from_db"}
    ]

    assert wrong == []


def test_nobody_assigns_a_lifecycle_field() -> None:
    """It would skip permission, edition and audit row; `lifecycle.move(record, Model.transition, by=…)` does not."""
    fields = {field.name for _, field in lifecycles()}
    wrong = [
        f"{source.name(path)}:{node.lineno} {ast.unparse(node)}"
        for path in source.modules()
        for node in ast.walk(source.tree(path))
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Attribute) and target.attr in fields and "self" not in ast.unparse(target)
    ]

    assert wrong == []

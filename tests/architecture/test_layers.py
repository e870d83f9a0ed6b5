"""Imports and foreign keys go down only; rules know nothing of doors."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

from tests.architecture import source


@pytest.mark.slow
def test_the_import_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=source.ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_the_contract_names_every_package_of_the_project() -> None:
    settings = tomllib.loads((source.ROOT / "pyproject.toml").read_text())["tool"]
    layers = next(c for c in settings["importlinter"]["contracts"] if c["id"] == "layers")["layers"]
    packages = {source.name(path).split("/")[0] for path in source.tracked("*/__init__.py")} - {"tests"}

    assert [tuple(layer.split(" | ")) for layer in layers] == list(source.LAYERS)
    assert packages == set(source.RANK)
    assert set(settings["importlinter"]["root_packages"]) == packages
    assert set(settings["mypy"]["packages"]) == packages


def test_foreign_keys_go_down_only() -> None:
    wrong = []
    for model in apps.get_models():
        app = model._meta.app_label
        for field in model._meta.get_fields():
            if app not in source.RANK or not field.is_relation or field.auto_created or not field.related_model:
                continue
            target: type[models.Model] = field.related_model  # type: ignore[assignment]
            above = source.RANK.get(target._meta.app_label, 0) - source.RANK[app]
            if above > 0 or (above == 0 and target._meta.app_label != app):
                wrong.append(f"{app}.{model.__name__}.{field.name} → {target._meta.label}")

    assert wrong == []


def test_rules_import_no_door() -> None:
    wrong = []
    for path in source.modules(*source.APPS, "kernel"):
        if source.is_door(path):
            continue
        for imported in source.imports(path):
            parts = imported.split(".")
            if parts[0] in source.APPS and len(parts) > 1 and parts[1] in source.DOORS:
                wrong.append(f"{source.name(path)} imports {imported}")

    assert wrong == []


def test_rules_know_nothing_of_http_and_forms() -> None:
    banned = ("django.http", "django.shortcuts", "django.forms", "django.views", "kernel.htmx")
    wrong = {
        f"{source.name(path)} imports {imported}"
        for path in source.modules(*source.APPS, "kernel")
        if not source.is_door(path)
        for imported in source.imports(path)
        if imported.startswith(banned)
    }

    assert wrong == set()


def test_nothing_happens_by_signal() -> None:
    wrong = [
        f"{source.name(path)} imports {imported}"
        for path in source.modules()
        for imported in source.imports(path)
        if imported.startswith(("django.db.models.signals", "django.dispatch", "django.core.signals"))
    ]

    assert wrong == []

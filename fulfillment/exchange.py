"""Exchange: plans and project templates as sections of catalogue files."""

import datetime as dt
from typing import Any

from catalog.publication import Change, section
from fulfillment import planfile
from kernel.models import User

KINDS = {"unchanged": "same"}


def load_plan(entry: dict[str, Any], by: User | None) -> list[Change]:
    """One plan of a file."""
    return [Change("plans", key, KINDS.get(what, what)) for key, what in planfile.load([entry], by).items()]


def load_template(entry: dict[str, Any], by: User | None) -> list[Change]:
    """One project template of a file."""
    done = planfile.load_templates([entry], by)
    return [Change("project_templates", key, KINDS.get(what, what)) for key, what in done.items()]


def _without_decimals(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_decimals(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_decimals(inner) for inner in value]
    if isinstance(value, dt.date):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | bool) else float(value)


def dump_plans() -> list[dict[str, Any]]:
    """Active plans as a file holds them."""
    return [_without_decimals(entry) for entry in planfile.dump()]


def dump_templates() -> list[dict[str, Any]]:
    """Project templates as a file holds them."""
    return [_without_decimals(entry) for entry in planfile.dump_templates()]


section("project_templates", load_template, dump_templates, 70)
section("plans", load_plan, dump_plans, 80)

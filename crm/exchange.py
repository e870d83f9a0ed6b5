"""Exchange: stages of the sales pipeline in a catalogue file."""

from collections.abc import Iterable
from typing import Any

from catalog.publication import Change, put, section
from crm.models import Stage
from kernel.models import User


def load_stage(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    item = dict(item)
    yield put("stages", Stage, {"key": item.pop("key")}, item)[1]


def dump_stages() -> list[dict[str, Any]]:
    rows: Any = Stage.objects.order_by("position").values("key", "name", "position", "probability", "outcome")
    return list(rows)


section("stages", load_stage, dump_stages, 65)

"""Exchange: runbooks in a catalogue file, so that routing rules and what they lead to travel together."""

from collections.abc import Iterable
from typing import Any

from catalog.publication import Change, put, section
from fallout.models import Runbook
from kernel.models import User


def load_runbook(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    item = dict(item)
    yield put("runbooks", Runbook, {"key": item.pop("key")}, item)[1]


def dump_runbooks() -> list[dict[str, Any]]:
    rows: Any = Runbook.objects.filter(fingerprint=None).order_by("key").values("key", "title", "text")
    return list(rows)


section("runbooks", load_runbook, dump_runbooks, 66)

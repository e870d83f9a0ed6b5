"""Exchange: points of presence in a catalogue file."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from catalog.publication import Change, put, section
from cmdb.models import PointOfPresence
from kernel.models import User

FIELDS = ("code", "name", "city", "country", "latitude", "longitude", "technologies", "max_mbps", "redundant")


def load_pop(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    item = dict(item)
    for axis in ("latitude", "longitude"):
        item[axis] = Decimal(str(item[axis]))
    yield put("points_of_presence", PointOfPresence, {"code": item.pop("code")}, item)[1]


def dump_pops() -> list[dict[str, Any]]:
    return [
        {name: float(value) if isinstance(value := getattr(row, name), Decimal) else value for name in FIELDS}
        for row in PointOfPresence.objects.order_by("code")
    ]


section("points_of_presence", load_pop, dump_pops, 70)

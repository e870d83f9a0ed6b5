"""Relations of items in a body, checked: to what is no item, or in a circle, they are refused at their places."""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from kernel.rest.errors import ApiError, Problem
from kernel.rest.rendering import Json


def require_sound(rows: Iterable[tuple[Json, str]], name: str) -> None:
    """Raises ApiError 400 with every place. `rows` are items with their places, `name` where their relations stand."""
    rows = list(rows)
    places = {str(row["id"]): place for row, place in rows}
    wanted: dict[str, set[str]] = {}
    found: list[Problem] = []
    for row, place in rows:
        for at, one in enumerate(row.get(name) or ()):
            other = str(one.get("id") or (one.get("orderItem") or {}).get("itemId") or "")
            if other in places:
                wanted.setdefault(str(row["id"]), set()).add(other)
            else:
                found.append((f"{place}.{name}[{at}]", f"There is no item “{other[:60]}” in this order."))
    try:
        TopologicalSorter(wanted).prepare()
    except CycleError as circle:
        around = list(dict.fromkeys(circle.args[1]))
        said = f"These items relate to each other in a circle: {', '.join(around)[:200]}."
        found += [(f"{places[item]}.{name}", said) for item in around]
    if found:
        raise ApiError(400, found[0][1], found)

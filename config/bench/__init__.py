"""Benchmarks: figures measured on this machine beside the limits of this machine, taken in the same run.

A group is a module of this package with a function `measure(say)`; `manage.py bench GROUP` finds it by its name. Start
reading at engine.py.
"""

import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

Say = Callable[[str], None]


@dataclass(frozen=True)
class Figure:
    """One figure. `limit` is what the same work can be at best here, `ratio` the value as a part of it.

    `goal` is in words; `ok` says whether it is met, and is true for figures that only tell about the machine.
    """

    id: str
    name: str
    value: float
    unit: str
    limit: float | None = None
    ratio: float | None = None
    goal: str = ""
    ok: bool = True

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)


def groups() -> list[str]:
    """Names of the groups there are: modules of this package with a `measure`."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    return sorted(name for name in names if hasattr(import_module(f"{__name__}.{name}"), "measure"))


def measure(group: str, say: Say) -> Iterator[Figure]:
    """The figures of a group, one by one as they are known. Raises KeyError for a group that there is not."""
    if group not in groups():
        raise KeyError(group)
    yield from import_module(f"{__name__}.{group}").measure(say)

"""The source as the architecture tests read it."""

import ast
import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYERS = (
    ("config",),
    ("portal",),
    ("fallout",),
    ("orders",),
    ("fulfillment", "contracts"),
    ("cmdb",),
    ("crm",),
    ("catalog",),
    ("kernel",),
)
RANK = {app: len(LAYERS) - place for place, names in enumerate(LAYERS) for app in names}
APPS = tuple(app for app in RANK if app not in {"config", "kernel"})

# A file with Django's word in it is a door; every other file of an app is a rule.
DOORS = {
    "admin", "api", "apps", "columns", "filters", "forms", "management", "middleware", "tables", "tasks",
    "templatetags", "urls", "views",
}  # fmt: skip
# What the kernel offers to the views of every app: how pages, lists and forms are made.
KERNEL_DOORS = {"frame", "htmx", "keyset", "listfields", "picking", "records", "rest", "sidebar", "workspace"}


@functools.cache
def tracked(*patterns: str) -> tuple[Path, ...]:
    """Files that git knows or would take, by pattern."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def modules(*packages: str) -> list[Path]:
    """Python files of packages, without migrations."""
    wanted = packages or tuple(RANK)
    return [p for p in tracked("*.py") if name(p).split("/")[0] in wanted and "/migrations/" not in name(p)]


def name(path: Path) -> str:
    """A file's path within the project."""
    return path.relative_to(ROOT).as_posix()


@functools.cache
def tree(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(), str(path))


def is_door(path: Path) -> bool:
    """Whether a file of an app faces people, machines or the clock."""
    app, room = path.relative_to(ROOT).parts[:2]
    return app == "config" or room.removesuffix(".py") in DOORS | (KERNEL_DOORS if app == "kernel" else set())


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it the import stands."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)

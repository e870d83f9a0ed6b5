"""For the mutation score: pricing is imported with all its mutants inside, and each is tried in a fork of one process.

The tests run once as they are, which says who visits which function. Then each mutant is switched on in a child of its
own, which runs the tests that visit its function, those without a database first, and ends at the first that fails.
"""

import ast
import difflib
import gc
import importlib.abc
import importlib.machinery
import json
import os
import resource
import sys
import time
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from mutmut.mutation import trampoline
from mutmut.mutation.file_mutation import mutate_file_contents

ROOT = Path(__file__).parents[2]
MODULES = {
    name.removesuffix(".py").replace("/", "."): ROOT / name
    for name in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutants"]["modules"]
}
LONGEST = 30  # seconds of processor time that a child may take
MEMORY = 4 << 30  # bytes that a child may hold
NOTICED, LIVED = 1, 0
UNCHANGED = "no mutant"

mutants: list[str] = []
sources: dict[str, str] = {}
visited: set[str] = set()


class Mutated(importlib.machinery.SourceFileLoader):
    """Compiles the source with every mutant beside its function; nothing of it is kept on disk."""

    def get_code(self, fullname: str) -> CodeType:
        """The code of the module, its mutants noted."""
        made = mutate_file_contents(self.path, Path(self.path).read_text())
        mutants.extend(f"{fullname}.{name}" for name in made.mutant_names)
        sources[fullname] = made.code
        return compile(made.code, self.path, "exec")


class Finder(importlib.abc.MetaPathFinder):
    """Finds the modules that are to be mutated, and no others."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """Their specification, with our loader."""
        if name not in MODULES:
            return None
        place = str(MODULES[name])
        return importlib.machinery.ModuleSpec(name, Mutated(name, place), origin=place)


sys.meta_path.insert(0, Finder())
trampoline.record_trampoline_hit = lambda name, caller=None: visited.add(name)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Instead of the tests alone: them once, then the mutants; what became of each is written down."""
    from django.db import connections

    items = sorted(session.items, key=lambda item: item.get_closest_marker("django_db") is not None)
    visits = tried(items)
    connections.close_all()  # no child shares one
    gc.freeze()
    if Children(items, {UNCHANGED: items}).run()[UNCHANGED]:
        raise pytest.UsageError("a test fails in a child already without a mutant")
    named = {name: sorted(visits[name.partition("__mutmut_")[0]], key=items.index) for name in chosen()}
    verdicts = Children(items, named).run()
    Path(os.environ["MUTANTS_VERDICTS"]).write_text(
        json.dumps({name: {"noticed": dead, "change": "" if dead else change(name)} for name, dead in verdicts.items()})
    )
    return True


def chosen() -> list[str]:
    """The mutants whose name holds what was asked for; all, if nothing was."""
    return sorted(name for name in mutants if os.environ.get("MUTANTS_NAMED", "") in name)


def tried(items: Sequence[pytest.Item]) -> dict[str, set[pytest.Item]]:
    """Function → the tests that visit it. Raises pytest.UsageError if a test fails without any mutant."""
    visits: dict[str, set[pytest.Item]] = defaultdict(set)
    trampoline.set_mutant_under_test("stats")
    for number, item in enumerate(items):
        visited.clear()
        if not passes(item, items[number + 1] if number + 1 < len(items) else items[0]):
            raise pytest.UsageError(f"{item.nodeid} fails already without a mutant")
        for name in visited:
            visits[name].add(item)
    return visits


def passes(item: pytest.Item, following: pytest.Item) -> bool:
    """Run one test; whether it holds."""
    from _pytest.runner import runtestprotocol

    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))


class Children:
    """One child for each mutant, as many at once as there are processors."""

    def __init__(self, items: Sequence[pytest.Item], named: dict[str, list[pytest.Item]]) -> None:
        self.items, self.named = items, named
        self.running: dict[int, str] = {}
        self.verdicts: dict[str, bool] = {}

    def run(self) -> dict[str, bool]:
        """Mutant → whether a test noticed it, or never ended; nobody notices what no test visits."""
        start = time.monotonic()
        for number, (name, tests) in enumerate(self.named.items(), 1):
            if not tests:
                self.verdicts[name] = False
                continue
            while len(self.running) >= (os.cpu_count() or 2):
                self.reap()
            self.running[self.fork(name, tests)] = name
            if number % 200 == 0:
                sys.stderr.write(f"… {number} of {len(self.named)} after {time.monotonic() - start:.0f} s\n")
        while self.running:
            self.reap()
        return self.verdicts

    def reap(self) -> None:
        """Wait for one to end."""
        pid, status = os.wait()
        if pid in self.running:
            self.verdicts[self.running.pop(pid)] = os.waitstatus_to_exitcode(status) != LIVED

    def fork(self, name: str, tests: Sequence[pytest.Item]) -> int:
        """Start a child that tries this mutant; its number."""
        if pid := os.fork():
            return pid
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            trampoline.set_mutant_under_test(name)
            followed = [*tests[1:], self.items[0]]
            lived = all(passes(item, following) for item, following in zip(tests, followed, strict=True))
        except BaseException:
            os._exit(NOTICED)
        os._exit(LIVED if lived else NOTICED)


def change(name: str) -> str:
    """What a mutant has otherwise, line by line."""
    module, _, mutant = name.rpartition(".")
    bodies = {
        node.name: ast.unparse(node.body)  # type: ignore[arg-type]
        for node in ast.walk(ast.parse(sources[module]))
        if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name
    }
    before, after = bodies[mutant.partition("__mutmut_")[0] + "__mutmut_orig"], bodies[mutant]
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))

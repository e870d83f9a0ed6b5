"""The mutation score of pricing: its code is changed in small ways, one at a time; good tests fail for each.

What is mutated, and which tests are asked, stands in pyproject.toml under tool.mutmut. It happens in a copy under
var/mutants, so that nothing here is touched; an unfinished or earlier run is thrown away first.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from config import servers, template

ROOT = servers.ROOT
PLACE = servers.VAR / "mutants"
BIN = Path(sys.executable).parent
LEAST = 85  # percent that has to be noticed
KILLED, TIMED_OUT = {1, 3}, {-24, 24, 36, 152, 255}  # how mutmut says that a test failed, or never ended
PARTS = (".git", ".venv", "var", "node_modules")  # of the checkout, not of the copy


def main() -> None:
    """Mutate, test, print the score and what nobody noticed; end with 1 below the goal."""
    servers.ensure()
    os.environ["TEST_TEMPLATE"] = template.ensure(os.environ["DATABASE_URL"])
    stage()
    done = subprocess.run(
        [str(BIN / "mutmut"), "run", "--max-children", str(os.cpu_count() or 2)], cwd=PLACE, check=False,
        env=os.environ | {"TRUNKLINE_VAR": str(servers.VAR)},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit("The mutants could not be tried; the reason stands above.")
    raise SystemExit(0 if report(verdicts()) else 1)


def stage() -> None:
    """A place beside the checkout that has links to all of it: mutmut copies them and leaves the originals alone."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    for path in ROOT.iterdir():
        if path.name not in PARTS and not path.name.startswith("."):
            (PLACE / path.name).symlink_to(path)


def verdicts() -> dict[str, int | None]:
    """Mutant → how its tests ended."""
    found: dict[str, int | None] = {}
    for path in sorted((PLACE / "mutants").rglob("*.py.meta")):
        found |= json.loads(path.read_text())["exit_code_by_key"]
    return found


def report(found: dict[str, int | None]) -> bool:
    """Print who lived, and the score by module and of all; whether it is enough. An unfinished run never is."""
    noticed = {name: code in KILLED | TIMED_OUT for name, code in found.items() if code is not None}
    for name, dead in noticed.items():
        if not dead:
            print(f"nobody noticed {name}; see: cd {PLACE} && mutmut show {name}")
    of, dead_of = Counter(map(module, noticed)), Counter(module(name) for name, dead in noticed.items() if dead)
    for name, count in of.items():
        print(f"{name:<22}{dead_of[name]:>5} of {count:>5}{100 * dead_of[name] / count:>8.1f} %")
    score = 100 * sum(noticed.values()) / len(noticed) if noticed else 0.0
    print(f"mutation score of pricing: {score:.1f} % of {len(noticed)} mutants; the goal is {LEAST} %")
    if left := len(found) - len(noticed):
        print(f"{left} mutants were not tried")
    return score >= LEAST and not left


def module(mutant: str) -> str:
    """Where a mutant stands, as in catalog.tiering."""
    return ".".join(mutant.split(".")[:2])


if __name__ == "__main__":
    main()

"""The mutation score of pricing: its code is changed in small ways, one at a time; good tests fail for each.

What is mutated, and which tests are asked, stands in pyproject.toml under tool.mutants; how, in tests/catalog/mutating.
A word behind the command chooses the mutants whose names hold it, as in `python -m config.mutants tiering`.
"""

import json
import os
import subprocess
import sys
import tomllib
from collections import Counter
from typing import Any

from config import servers, template

ROOT = servers.ROOT
VERDICTS = servers.VAR / "mutants.json"
LEAST = 85  # percent that has to be noticed
ARGUMENTS = ("-q", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "tests.catalog.mutating", "--reuse-db")


def main() -> None:
    """Mutate, test, print the score and what nobody noticed; end with 1 below the goal."""
    servers.ensure()
    os.environ["TEST_TEMPLATE"] = template.ensure(os.environ["DATABASE_URL"])
    tests = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutants"]["tests"]
    VERDICTS.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *ARGUMENTS, *tests], cwd=ROOT, check=False,
        env=os.environ | {"MUTANTS_VERDICTS": str(VERDICTS), "MUTANTS_NAMED": "".join(sys.argv[1:2])},
    )  # fmt: skip
    if done.returncode or not VERDICTS.exists():
        raise SystemExit("The mutants could not be tried; the reason stands above.")
    raise SystemExit(0 if report(json.loads(VERDICTS.read_text())) else 1)


def report(found: dict[str, dict[str, Any]]) -> bool:
    """Print who lived, and the score by module and of all; whether it is enough."""
    lived = [name for name, verdict in found.items() if not verdict["noticed"]]
    for name in lived:
        print(f"nobody noticed {name}\n{found[name]['change']}")
    of, lived_of = Counter(map(module, found)), Counter(map(module, lived))
    for name, count in of.items():
        print(f"{name:<22}{count - lived_of[name]:>5} of {count:>5}{100 * (1 - lived_of[name] / count):>8.1f} %")
    score = 100 * (1 - len(lived) / len(found)) if found else 0.0
    print(f"mutation score of pricing: {score:.1f} % of {len(found)} mutants; the goal is {LEAST} %")
    return score >= LEAST


def module(mutant: str) -> str:
    """Where a mutant stands, as in catalog.tiering."""
    return ".".join(mutant.split(".")[:2])


if __name__ == "__main__":
    main()

"""Everything that CI asks of the code without running the product: as many parts at once as there are cores."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

PRODUCTION = {
    "PRODUCTION": "1",
    "DEBUG": "0",
    "SECRET_KEY": "a-key-for-checking-only:0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ",
    "CALLBACK_SECRET": "another-for-checking-only",
    "ALLOWED_HOSTS": "trunkline.example",
    "BASE_URL": "https://trunkline.example",
}

MANAGE = [sys.executable, "-W", "error::DeprecationWarning:config", "manage.py"]
CHECKS: dict[str, tuple[list[str], dict[str, str]]] = {  # what takes long comes first
    "types": ([str(BIN / "mypy"), "--no-error-summary"], {}),
    "layers, rooms, budgets": (
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "tests/architecture"], {},
    ),
    "lint": ([str(BIN / "ruff"), "check", "--quiet", "."], {}),
    "format": ([str(BIN / "ruff"), "format", "--check", "--quiet", "."], {}),
    "templates": ([str(BIN / "djlint"), "--lint", "--quiet", "templates"], {}),
    "migrations": ([*MANAGE, "makemigrations", "--check", "--dry-run", "--verbosity", "1"], {}),
    "deployment": ([*MANAGE, "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
}  # fmt: skip


def main() -> None:
    """Run the checks named on the command line, else all, and end with 1 if any failed."""
    from config import servers

    servers.ensure()
    chosen = sys.argv[1:] or list(CHECKS)
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        passed = list(pool.map(passes, chosen))
    if failed := [name for name, good in zip(chosen, passed, strict=True) if not good]:
        raise SystemExit(f"Failed: {', '.join(failed)}")


def passes(name: str) -> bool:
    """Run one check, and show what it said when it fails."""
    command, environment = CHECKS[name]
    start = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False
    )  # fmt: skip
    verdict = f"{'ok' if done.returncode == 0 else 'FAILED':<7}{name} ({time.monotonic() - start:.1f} s)\n"
    said = f"{done.stdout}{done.stderr}\n" if done.returncode else ""
    print(verdict + said, end="", flush=True)  # in one piece, for others print beside
    return done.returncode == 0


if __name__ == "__main__":
    main()

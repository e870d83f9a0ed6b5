"""Settings: documented to the last one, and strict in production."""

import os
import re
import subprocess
import sys

import pytest

from config import servers
from config.check import PRODUCTION

READ = re.compile(r"""(?:\benv(?:\.\w+)?\(|os\.environ(?:\.get\(|\[))\s*["']([A-Z][A-Z_]+)["']""")
OURS = {"DJANGO_SETTINGS_MODULE", "PATH"}  # set by us, never by an operator


def test_the_table_names_every_setting_and_no_other() -> None:
    read = {
        name
        for path in (servers.ROOT / "config").glob("*.py")
        if path.name not in {"check.py", "bootstrap.py"}
        for name in READ.findall(path.read_text())
    }
    table = (servers.ROOT / "docs/operations.md").read_text().split("## Settings")[1].split("\n## ")[0]

    assert set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE)) == read - OURS


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("DEBUG", "1", "cannot both be on"),
        ("SECRET_KEY", "", "SECRET_KEY"),
        ("SECRET_KEY", "short", "SECRET_KEY"),
        ("CALLBACK_SECRET", "", "CALLBACK_SECRET"),
        ("CALLBACK_SECRET", "development-callback-secret", "CALLBACK_SECRET"),
        ("ALLOWED_HOSTS", "", "ALLOWED_HOSTS"),
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS"),
        ("BASE_URL", "http://trunkline.example", "BASE_URL"),
    ],
)
@pytest.mark.slow
def test_production_refuses_to_start_with_an_insecure_value(setting: str, value: str, said: str) -> None:
    done = load(PRODUCTION | {setting: value})

    assert done.returncode == 1
    assert "ImproperlyConfigured" in done.stderr
    assert said in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_production_starts_with_secure_values() -> None:
    assert load(PRODUCTION).returncode == 0


def load(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Read the settings in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "import config.settings"], cwd=servers.ROOT, env=os.environ | environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip

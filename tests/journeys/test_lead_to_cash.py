"""The whole journey by the command, on live workers."""

import json
import subprocess
import sys
from typing import Any

import pytest

from config.processes import inherited
from config.stack import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]

LIMIT = 60  # seconds; a quiet machine takes about 15, and other tests run beside


def check(found: dict[str, Any]) -> None:
    """Eleven sites live, with everything that belongs to them."""
    assert found["state"] == "completed"
    assert found["sites"] == 11
    assert found["products_active"] == found["billing_starts"] == 26  # 11 SD-WAN, 11 internet, 4 firewalls
    assert found["contracts_active"] == 11
    assert found["domain_orders"] > 150
    assert found["tasks"] > 200
    assert found["fallouts"] == 1
    assert found["projects"] == 1
    assert found["audit_events"] > 1000


def test_one_deal_becomes_live_services() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "lead_to_cash", "--scratch", "--json"], cwd=ROOT, env=inherited(), text=True,
        capture_output=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    check(found)
    assert found["seconds"] <= LIMIT

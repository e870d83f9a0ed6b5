"""Two installations with two databases, by the command: one orders from the other, through an outage."""

import json
import subprocess
import sys

import pytest

from config.processes import inherited
from config.stack import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]


def test_an_order_between_two_installations_outlives_an_outage_and_comes_back_complete() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "exchange", "--json"], cwd=ROOT, env=inherited(), text=True,
        capture_output=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["waited_for"], "the request did not wait for the seller that was down"
    assert (found["state"], found["problem"]) == ("completed", "")
    assert [text.partition(",")[0] for text in found["milestones"]] == ["Line is measured", "Line works"]
    assert found["documents"] == ["agreed-work.txt"]
    assert found["orders_there"] == [[found["there"], found["number"], "completed"]]

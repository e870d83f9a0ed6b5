"""A scratch stack: its own database, broker and processes, gone afterwards."""

import os
from pathlib import Path

import psycopg
import pytest

from config import postgres, stack, valkey

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]


def databases() -> set[str]:
    """Names of all databases of the server."""
    with psycopg.connect(postgres.sibling(os.environ["DATABASE_URL"], "postgres")) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


def weight(pid: int) -> int | None:
    """The niceness of a session; None where the kernel does not weigh sessions."""
    file = Path(f"/proc/{pid}/autogroup")
    return int(file.read_text().split()[-1]) if file.exists() else None


@pytest.mark.slow
def test_a_scratch_stack_lives_apart_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER_NICE", "7")
    with stack.scratch(only=("web", "worker")) as running:
        url = running.environment["DATABASE_URL"]
        name = url.split("/")[3].split("?")[0]
        assert name in databases()
        assert stack.healthy(running.port)
        assert running.environment["REDIS_URL"] != os.environ["REDIS_URL"]

        behind = {name: weight(running.processes[name].pid) for name in ("web", "worker")}
        assert behind in ({"web": 0, "worker": 7}, {"web": None, "worker": None}), "pages do not go first"

        killed = running.processes["worker"]
        running.kill("worker")
        assert killed.code == -9
        assert running.launch("worker").code is None

        counted = running.manage("shell", "-c", "from kernel.models import User; print('people', User.objects.count())")
        assert "people 0" in counted.stdout, counted.stderr

    assert name not in databases()
    assert not stack.healthy(running.port)
    with pytest.raises(OSError, match="refused"):
        valkey.socket.create_connection(("127.0.0.1", int(running.environment["REDIS_URL"].split(":")[2][:-2])), 1)


def test_a_part_that_ends_at_once_is_said_with_its_words() -> None:
    broken = stack.Stack(only=("web",), environment={"WEB_WORKERS": "many"})

    with pytest.raises(stack.NoStart, match=r"(?s)web ended with code 1.*invalid literal"), broken:
        pass

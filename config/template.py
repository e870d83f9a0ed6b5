"""Databases to copy: migrated and empty, or with the demo's provider too, made once per version of the code.

So migrations and seeds do not run once per test run, trial or measurement.
"""

import datetime as dt
import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import psycopg

from config import postgres, servers
from config.processes import inherited

EMPTY, STOCKED = "template_trunkline_", "provider_trunkline_"


def ensure(server: str) -> str:
    """The name of the migrated, empty template on the server of that URL, made if these migrations have none yet."""
    return _made(server, EMPTY, fingerprint(), "template1", "migrate", "--verbosity", "0")


def stocked(server: str) -> str:
    """The name of a template with roles, catalogue, plans and people of the demo, made today by these sources."""
    empty = ensure(server)
    today = dt.date.today().isoformat()  # noqa: DTZ011 – seeds are dated from the day on which they are made
    return _made(server, STOCKED, _hash(_sources(), empty + today), empty, "seed_demo", "--bare")


def copy(server: str, name: str, to: str) -> None:
    """Bring the tables and rows of that database into an empty one of another server."""
    source = postgres.sibling(server, name)
    told = subprocess.run(
        [postgres.binary("pg_dump"), "--no-owner", source], check=True, capture_output=True, env=inherited()
    )
    subprocess.run(
        [postgres.binary("psql"), "--quiet", "--output", os.devnull, "--set", "ON_ERROR_STOP=1", to],
        input=told.stdout, check=True, capture_output=True, env=inherited(),
    )  # fmt: skip


def fingerprint() -> str:
    """A hash of every migration: ours by content, those of packages by the versions that are asked for."""
    return _hash([*sorted(servers.ROOT.glob("*/migrations/*.py")), servers.ROOT / "requirements.txt"])


def _sources() -> list[Path]:
    """Every file of the product that seeds may depend on."""
    packages = sorted(file.parent for file in servers.ROOT.glob("*/__init__.py"))
    return [file for app in packages for kind in ("py", "yaml", "csv") for file in sorted(app.rglob(f"*.{kind}"))]


def _hash(files: Iterable[Path], beside: str = "") -> str:
    content = b"".join(file.name.encode() + file.read_bytes() for file in files)
    return hashlib.sha256(content + beside.encode()).hexdigest()[:12]


def _made(server: str, prefix: str, version: str, source: str, *command: str) -> str:
    """The template of that version: a copy of the source in which the command has run. Others of its kind go."""
    wanted = prefix + version
    servers.VAR.mkdir(parents=True, exist_ok=True)
    with (servers.VAR / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        there = databases(server, prefix)
        if wanted in there:
            return wanted
        for outdated in there:
            postgres.drop(server, outdated)
        fresh = f"{wanted}_new"
        _manage(postgres.create(server, fresh, source), *command)
        with psycopg.connect(postgres.sibling(server, "postgres"), autocommit=True) as connection:
            names = (psycopg.sql.Identifier(fresh), psycopg.sql.Identifier(wanted))
            connection.execute(psycopg.sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*names))
    return wanted


def databases(server: str, prefix: str = EMPTY) -> list[str]:
    """Templates of a kind on that server, half-made ones included."""
    with psycopg.connect(postgres.sibling(server, "postgres"), autocommit=True) as connection:
        found = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix])
        return [name for (name,) in found]


def _manage(database: str, *command: str) -> None:
    """Run a management command there. Raises RuntimeError with what was said."""
    environment = inherited() | {"DATABASE_URL": database, "REDIS_URL": os.environ["REDIS_URL"]}
    done = subprocess.run(
        [sys.executable, "manage.py", *command], cwd=servers.ROOT, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed.\n{done.stdout}{done.stderr}")

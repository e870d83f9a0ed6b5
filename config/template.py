"""A migrated, empty database to copy: migrations run once per version of the code, not once per test run or trial."""

import fcntl
import hashlib
import os
import subprocess
import sys

import psycopg

from config import postgres, servers
from config.processes import inherited

PREFIX = "template_trunkline_"


def ensure(server: str) -> str:
    """The name of the template on the server of that URL, made if this version of the code has none yet."""
    wanted = PREFIX + fingerprint()
    servers.VAR.mkdir(parents=True, exist_ok=True)
    with (servers.VAR / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        there = databases(server)
        if wanted in there:
            return wanted
        for outdated in there:
            postgres.drop(server, outdated)
        fresh = f"{wanted}_new"
        migrate(postgres.create(server, fresh))
        with psycopg.connect(postgres.sibling(server, "postgres"), autocommit=True) as connection:
            names = (psycopg.sql.Identifier(fresh), psycopg.sql.Identifier(wanted))
            connection.execute(psycopg.sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*names))
    return wanted


def fingerprint() -> str:
    """A hash of every migration: ours by content, those of packages by the versions that are asked for."""
    files = [*sorted(servers.ROOT.glob("*/migrations/*.py")), servers.ROOT / "requirements.txt"]
    return hashlib.sha256(b"".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()[:12]


def databases(server: str) -> list[str]:
    """Templates on that server, half-made ones included."""
    with psycopg.connect(postgres.sibling(server, "postgres"), autocommit=True) as connection:
        found = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        return [name for (name,) in found]


def migrate(database: str) -> None:
    """Run every migration there. Raises RuntimeError with what was said."""
    environment = inherited() | {"DATABASE_URL": database, "REDIS_URL": os.environ["REDIS_URL"]}
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=servers.ROOT, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"migrate failed.\n{done.stdout}{done.stderr}")

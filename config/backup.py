"""Backup and restore: database and documents in one file, by PostgreSQL's own programs."""

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from django.conf import settings
from django.db import connection, connections

from config import postgres

DUMP = "database.dump"
MEDIA = "media"


class Failed(RuntimeError):
    """It did not work; the message says why, and what was there is as it was unless it says otherwise."""


def write(target: Path) -> None:
    """Write a backup to `target`, whole or not at all; people may go on working. Raises Failed."""
    if target.exists():
        raise Failed(f"{target} exists; name a new file.")
    with tempfile.TemporaryDirectory(dir=target.absolute().parent) as folder:
        dump, whole = Path(folder) / DUMP, Path(folder) / "whole.tar"
        _run("pg_dump", "--format=custom", "--no-owner", f"--file={dump}", _database())
        with tarfile.open(whole, "w") as archive:
            archive.add(dump, DUMP)
            if Path(settings.MEDIA_ROOT).is_dir():
                archive.add(settings.MEDIA_ROOT, MEDIA)
        whole.chmod(0o600)
        whole.rename(target)


def read(source: Path) -> None:
    """Put database and documents back to what a backup holds; everything newer is lost. Raises Failed."""
    with tempfile.TemporaryDirectory(dir=_var()) as name:
        folder = Path(name)
        try:
            with tarfile.open(source) as archive:
                archive.extractall(folder, filter="data")
        except (OSError, tarfile.TarError) as error:
            raise Failed(f"{source} cannot be read: {error}") from error
        if not (folder / DUMP).is_file():
            raise Failed(f"{source} is no backup of this product.")
        _run("pg_restore", "--list", str(folder / DUMP))  # readable to the end, before anything goes
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        connections.close_all()
        _run("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={_database()}",
             str(folder / DUMP))  # fmt: skip
        shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)
        if (folder / MEDIA).is_dir():
            (folder / MEDIA).rename(settings.MEDIA_ROOT)


def _var() -> Path:
    settings.VAR.mkdir(parents=True, exist_ok=True)
    return Path(settings.VAR)


def _database() -> str:
    return os.environ["DATABASE_URL"]


def _run(program: str, *arguments: str) -> None:
    try:
        binary = str(postgres.binary(program))
    except postgres.NoStart:
        binary = program
    done = subprocess.run([binary, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{program} failed: {done.stderr.strip()}")

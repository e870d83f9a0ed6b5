"""Backup and restore: what comes back is what went in."""

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import postgres
from config.stack import Stack, scratch

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("backup")]


@pytest.fixture(scope="module")
def empty() -> Iterator[Stack]:
    """A product of its own with an empty database, of which nothing runs."""
    with scratch(only=()) as made:
        yield made


@pytest.mark.slow
def test_what_is_no_backup_changes_nothing(empty: Stack, tmp_path: Path) -> None:
    text, other = tmp_path / "letter.txt", tmp_path / "other.tar"
    text.write_text("no archive")
    with tarfile.open(other, "w") as archive:
        archive.add(text, "letter.txt")

    for file, said in ((text, "cannot be read"), (other, "is no backup"), (tmp_path / "gone", "cannot be read")):
        refused = empty.manage("restore", str(file))
        assert refused.returncode == 1
        assert said in refused.stderr
    assert postgres.sibling(empty.environment["DATABASE_URL"], "x") != os.environ["DATABASE_URL"]
    assert empty.manage("migrate", "--check").returncode == 0


@pytest.mark.slow
def test_a_backup_brings_people_and_documents_back(empty: Stack, tmp_path: Path) -> None:
    var, file = Path(empty.environment["TRUNKLINE_VAR"]), tmp_path / "backup.tar"
    (var / "media").mkdir()
    (var / "media/offer.pdf").write_bytes(b"%PDF")
    make = "from kernel.models import User; User.objects.create_user('ada', 'ada@trunkline.example', 'x')"
    assert empty.manage("shell", "-c", make).returncode == 0

    written = empty.manage("backup", str(file))
    assert written.returncode == 0, written.stderr
    (var / "media/offer.pdf").unlink()
    lose = "from kernel.models import User; User.objects.all().delete(); User.objects.create(username='eve')"
    assert empty.manage("shell", "-c", lose).returncode == 0

    refused = empty.manage("restore", str(file))
    restored = empty.manage("restore", str(file), "--replace")
    names = empty.manage("shell", "-c", "from kernel.models import User; print([str(u) for u in User.objects.all()])")

    assert "holds people" in refused.stderr
    assert restored.returncode == 0, restored.stderr
    assert "['ada']" in names.stdout
    assert (var / "media/offer.pdf").read_bytes() == b"%PDF"
    assert file.stat().st_mode & 0o077 == 0
    assert empty.manage("backup", str(file)).stderr.strip().endswith("exists; name a new file.")

"""Packages: each has its reason beside it, and an index is the machine's business."""

import re

import pytest

from tests.architecture import source


def test_every_dependency_has_its_reason() -> None:
    text = (source.ROOT / "pyproject.toml").read_text().split("[tool.")[0]
    lines = [line for line in text.splitlines() if re.match(r'\s+"[\w.-]+(\[.*\])?[><=~!]', line)]

    assert len(lines) > 30
    assert [line for line in lines if not re.search(r'",\s+# .{8,}', line)] == []


def test_requirements_are_hashed_and_name_no_index() -> None:
    for path in source.tracked("requirements*.txt"):
        pins = re.findall(r"^\S+==\S+(.*)$", path.read_text(), re.MULTILINE)

        assert pins, path
        assert all(rest.rstrip().endswith("\\") for rest in pins), f"{path}: a pin without a hash"
        assert "://" not in path.read_text(), f"{path}: names a host"


def test_the_lock_file_of_assets_names_no_registry() -> None:
    text = (source.ROOT / "package-lock.json").read_text()

    assert '"resolved"' not in text
    assert text.count('"integrity"') >= 2


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_the_pins_hold_for_the_oldest_python_too(name: str) -> None:
    """Early 3.11 needs a package that later ones bring along; a lock made for one version alone leaves it out."""
    text = (source.ROOT / name).read_text()
    assert re.search(r"^async-timeout==\S+ ; python_full_version < '3\.11\.3'", text, re.MULTILINE)
    pins = re.findall(r"^[\w.-]+(?:\[\S+\])?==", text, re.MULTILINE)
    assert len(pins) > 50
    assert text.count("--hash=sha256:") >= len(pins)

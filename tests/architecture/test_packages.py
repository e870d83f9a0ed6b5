"""Packages: each has its reason beside it, and an index is the machine's business."""

import re

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

"""Set-up: what is missing is installed or named, what is there is left alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from config import bootstrap


def test_it_needs_nothing_but_the_standard_library() -> None:
    path = bootstrap.ROOT / "config/bootstrap.py"
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(path), "--help"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "--browser" in done.stdout


def test_a_missing_library_is_named_by_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None if name.startswith("pango") else name)

    assert bootstrap.missing_libraries()[:2] == ["libpango-1.0-0", "libpangoft2-1.0-0"]


def test_a_missing_font_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ctypes.util.find_library", lambda name: name)
    monkeypatch.setattr(bootstrap, "FONTS", (tmp_path,))

    assert bootstrap.missing_libraries() == ["fonts-dejavu-core"]


def test_a_missing_browser_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)

    assert bootstrap.missing_browser() == ["chromium"]


def test_who_is_not_root_gets_the_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(bootstrap.Stop) as stop:
        bootstrap.require_system(["libpango-1.0-0", "chromium"])

    assert "sudo apt-get install --yes --no-install-recommends libpango-1.0-0 chromium" in str(stop.value)


def test_root_gets_it_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(bootstrap, "succeeds", lambda command, environment: bool(ran.append(command)))
    monkeypatch.setattr(bootstrap, "run", lambda command, environment: ran.append(command))

    bootstrap.require_system(["chromium"])

    install = ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]
    assert ran == [install, ["apt-get", "update", "--quiet"], install]


def test_the_stamp_tells_changed_requirements(tmp_path: Path) -> None:
    one, other = tmp_path / "one.txt", tmp_path / "other.txt"
    one.write_text("a==1")
    other.write_text("a==2")

    assert bootstrap.fingerprint(one) == bootstrap.fingerprint(one)
    assert bootstrap.fingerprint(one) != bootstrap.fingerprint(other)


def test_pip_configuration_is_handed_to_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "global.extra-index-url='file:///one file:///two'\n:env:.find-links='/wheels'\nglobal.timeout='9'\n"
    monkeypatch.setattr(
        "subprocess.run", lambda *args, **options: subprocess.CompletedProcess(args, 0, stdout=said, stderr="")
    )

    assert bootstrap.pip_sources("python") == [
        "--extra-index-url", "file:///one", "--extra-index-url", "file:///two", "--find-links", "/wheels",
    ]  # fmt: skip

#!/usr/bin/env python3
"""Set-up from a fresh clone with nothing but Python: environment, packages, front-end assets, system libraries.

Runs under the system's own Python and imports the standard library only. What is in place already is left alone: a
stamp holds the hash of what was asked for, so that a second run takes no time.
"""

import argparse
import ctypes.util
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "trunkline.stamp"
OLDEST = (3, 11)
LIBRARIES = {
    "pango-1.0": "libpango-1.0-0",
    "pangoft2-1.0": "libpangoft2-1.0-0",
    "harfbuzz-subset": "libharfbuzz-subset0",
}
FONTS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Stop(SystemExit):
    """The set-up cannot go on; the text says what to do."""


def main() -> None:
    """Bring this checkout to where `make run`, `make test` and `make check` can work."""
    options = argparse.ArgumentParser(description="Set up this checkout.")
    options.add_argument("--browser", action="store_true", help="also Chromium, for the browser journeys")
    options.add_argument("--production", action="store_true", help="leave the tools of development out")
    chosen = options.parse_args()
    if sys.version_info < OLDEST:
        raise Stop("Trunkline needs Python 3.11 or later; name one with `make setup PYTHON=python3.12`.")
    require_system(missing_libraries() + (missing_browser() if chosen.browser else []))
    requirements = ROOT / ("requirements.txt" if chosen.production else "requirements-dev.txt")
    wanted = fingerprint(requirements)
    if STAMP.exists() and STAMP.read_text() == wanted and (ROOT / "node_modules").is_dir():
        return
    make_environment()
    install(requirements)
    install_assets()
    STAMP.write_text(wanted)
    say("Set up.")


def fingerprint(requirements: Path) -> str:
    """A hash of everything that the set-up depends on, and where it stands: an environment cannot be moved."""
    parts = [requirements, ROOT / "package-lock.json", ROOT / "requirements-node.txt", Path(__file__)]
    content = b"".join(part.read_bytes() for part in parts) + f"{ROOT} {sys.version_info[:2]}".encode()
    return hashlib.sha256(content).hexdigest()


def make_environment() -> None:
    """Make .venv with pip in it; Debian's python3 brings the module for that in a package of its own."""
    if (VENV / "bin" / "python").exists() and succeeds([str(VENV / "bin" / "python"), "-m", "pip", "--version"]):
        return
    say("Making .venv")
    if not succeeds([sys.executable, "-c", "import ensurepip, venv"]):
        require_system([f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"])
    shutil.rmtree(VENV, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(VENV)])


def install(requirements: Path) -> None:
    """Install the hashed requirements, by uv where it can be had (seconds), else by pip (a minute or two)."""
    python = str(VENV / "bin" / "python")
    say(f"Installing {requirements.name}")
    quiet_pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"]
    uv = VENV / "bin" / "uv"
    if not uv.exists():
        succeeds([*quiet_pip, str(ROOT / "requirements-uv.txt")])
    by_uv = [str(uv), "pip", "install", "--quiet", "--python", python, "--require-hashes", *pip_sources(python)]
    if uv.exists() and succeeds([*by_uv, "--index-strategy", "unsafe-best-match", "-r", str(requirements)]):
        return  # the hashes make any index as good as another
    run([*quiet_pip, str(requirements)])


def pip_sources(python: str) -> list[str]:
    """The machine's own pip configuration in uv's words: uv does not read it."""
    names = {"index-url": "--index-url", "extra-index-url": "--extra-index-url", "find-links": "--find-links"}
    told: dict[str, list[str]] = {name: [] for name in names}
    listed = subprocess.run([python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    for line in listed.stdout.splitlines():
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2]
        if name in told:
            told[name] += value.strip("'\"").replace("\\n", " ").split()
    return [word for name, values in told.items() for value in dict.fromkeys(values) for word in (names[name], value)]


def install_assets() -> None:
    """Install icons and typeface by npm: the system's, else one from the Python package index."""
    npm = shutil.which("npm")
    environment = dict(os.environ)
    if npm is None:
        python = str(VENV / "bin" / "python")
        say("Installing Node.js into .venv, because this machine has no npm")
        run([python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(ROOT / "requirements-node.txt")])
        npm = str(VENV / "bin" / "npm")
        environment["PATH"] = f"{VENV / 'bin'}:{environment['PATH']}"
    say("Installing front-end assets")
    run([npm, "ci", "--silent", "--ignore-scripts"], environment)


def missing_libraries() -> list[str]:
    """Debian packages that PDF documents need and that are not there."""
    missing = [package for library, package in LIBRARIES.items() if ctypes.util.find_library(library) is None]
    fonts = any(path.suffix in {".ttf", ".otf"} for folder in FONTS for path in folder.rglob("*"))
    return missing + ([] if fonts else ["fonts-dejavu-core"])


def missing_browser() -> list[str]:
    """Debian's package of Chromium, unless a browser of that family is there."""
    return [] if any(shutil.which(name) for name in BROWSERS) else ["chromium"]


def require_system(packages: list[str]) -> None:
    """Install Debian packages as root; anybody else is told the one command to run."""
    if not packages:
        return
    command = f"apt-get install --yes --no-install-recommends {' '.join(packages)}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Stop(f"This machine lacks {', '.join(packages)}. Run this once, then try again:\n\n  sudo {command}\n")
    say(f"Installing {', '.join(packages)} with apt-get")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    if not succeeds(command.split(), environment):
        run(["apt-get", "update", "--quiet"], environment)
        run(command.split(), environment)


def succeeds(command: list[str], environment: dict[str, str] | None = None) -> bool:
    """Whether a command works; what it says is dropped."""
    try:
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run(command: list[str], environment: dict[str, str] | None = None) -> None:
    """Run a command that has to work; what it says is shown when it does not."""
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Stop(f"{done.stdout}{done.stderr}\nThis failed: {' '.join(command)}")


def say(text: str) -> None:
    """One line of progress."""
    print(f"trunkline: {text}", flush=True)


if __name__ == "__main__":
    main()

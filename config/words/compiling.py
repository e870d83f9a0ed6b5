"""Compiling: what translators write (.po) into what is read at run time (.mo).

Only the former are kept in the repository. The latter are made beside them wherever they are missing or older, by
whichever process starts first.
"""

import os
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent.parent / "locale"


def files() -> list[Path]:
    """The files of translators."""
    return sorted(FOLDER.glob("*/LC_MESSAGES/*.po"))


def compile_stale() -> None:
    """Make what is read at run time wherever it is missing or older than the translators' file."""
    for path in files():
        made = path.with_suffix(".mo")
        if not made.exists() or made.stat().st_mtime_ns < path.stat().st_mtime_ns:
            _compile(path, made)


def _compile(path: Path, made: Path) -> None:
    from babel.messages import mofile, pofile  # slow to import, and seldom needed

    beside = made.with_suffix(f".{os.getpid()}")
    try:
        with beside.open("wb") as file:
            mofile.write_mo(file, pofile.read_po(path.open("rb"), locale=path.parent.parent.name))
        os.utime(beside, ns=(path.stat().st_mtime_ns, path.stat().st_mtime_ns))
        beside.replace(made)  # in one step, for other processes start as well
    except PermissionError:  # an image that is not ours to change; it was built with them
        beside.unlink(missing_ok=True)

"""Icons: one sprite of the Tabler icons that templates and Python name, read from node_modules once per process."""

import hashlib
import logging
import re
from functools import lru_cache
from pathlib import Path

from django.conf import settings

log = logging.getLogger(__name__)

FOLDER = Path(settings.BASE_DIR) / "node_modules/@tabler/icons/icons/outline"
FALLBACK = '<path d="M12 12m-1 0a1 1 0 1 0 2 0a1 1 0 1 0 -2 0"/>'
_NAME = re.compile(r"^[a-z0-9-]+$")
_IN_TEMPLATE = re.compile(r"\{%\s*icon\s+[\"']([a-z0-9-]+)[\"']")
_BODY = re.compile(r"<svg[^>]*>(.*)</svg>", re.S)
_GROUND = re.compile(r'<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>')


@lru_cache(maxsize=1024)
def drawing(name: str) -> str:
    """The inside of an icon's SVG; a dot for a name that does not exist."""
    try:
        text = (FOLDER / f"{name}.svg").read_text() if _NAME.match(name) else ""
    except OSError:
        text = ""
    found = _BODY.search(text)
    if not found:
        log.warning("there is no icon %r", name)
        return FALLBACK
    return re.sub(r"\s+", " ", _GROUND.sub("", found[1])).strip()


@lru_cache(maxsize=1)
def names() -> frozenset[str]:
    """Icons in the sprite: those that templates name literally and those that registries name in Python."""
    from kernel import frame, states

    found = {
        name
        for path in (Path(settings.BASE_DIR) / "templates").rglob("*.html")
        for name in _IN_TEMPLATE.findall(path.read_text())
    }
    found |= states.icons() | {item.icon for item in frame.items()}
    return frozenset(name for name in found if (FOLDER / f"{name}.svg").exists())


@lru_cache(maxsize=1)
def sprite() -> str:
    """The sprite as an SVG document."""
    symbols = "".join(f'<symbol id="{name}" viewBox="0 0 24 24">{drawing(name)}</symbol>' for name in sorted(names()))
    return f'<svg xmlns="http://www.w3.org/2000/svg">{symbols}</svg>'


@lru_cache(maxsize=1)
def address() -> str:
    """The sprite's URL; it changes with the content, so browsers may keep it for ever."""
    from django.urls import reverse

    return f"{reverse('icons')}?v={hashlib.sha256(sprite().encode()).hexdigest()[:12]}"


def missing() -> list[str]:
    """Names in templates that are no Tabler icons; a test keeps this empty."""
    return sorted(
        f"{path.name}: {name}"
        for path in (Path(settings.BASE_DIR) / "templates").rglob("*.html")
        for name in _IN_TEMPLATE.findall(path.read_text())
        if not (FOLDER / f"{name}.svg").exists()
    )

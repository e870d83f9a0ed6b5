"""Printing: PDF files from templates, with our own style and typeface and nothing fetched from elsewhere.

The same content gives the same bytes. A long document is set in parts by processes of their own, two at a time, and
joined; "page x of y" is laid over it at the end, when y is known.
"""

import atexit
import json
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from contracts import binding, provider
from crm import spoken
from kernel.saying import said

if TYPE_CHECKING:
    from contracts.press import Press

STYLE = Path(settings.BASE_DIR) / "static/css/pdf.css"
FONTS = Path(settings.BASE_DIR) / "node_modules/@fontsource-variable/inter/files"
PRESSES = 2  # processes at work on one long document
PATIENCE = 180  # seconds for one part; then its process is ended

Told = Callable[[int, int], None]


class Jammed(RuntimeError):
    """A press ended, or took too long, before its part was set."""


@dataclass(frozen=True)
class Part:
    """One part of a long document, from a page of its own on."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)


def pdf(template: str, context: dict[str, Any], *, title: str) -> bytes:
    """The template as PDF 1.7 bytes."""
    return _press().pdf(_text(template, context, title, _language(context)))[0]


def long_pdf(parts: Sequence[Part], *, title: str, progress: Told | None = None) -> bytes:
    """The parts as one PDF with page numbers over all of them; `progress` hears (steps done, steps in all).

    Raises:
        Jammed: a part could not be set.
    """
    steps, language = len(parts) + 2, _language(parts[0].context)

    def told(done: int) -> None:
        if progress:
            progress(done, steps)

    with tempfile.TemporaryDirectory(prefix="trunkline-pdf-") as folder:
        place = Path(folder)
        texts = (_text(part.template, {**part.context, "part": True}, title, language) for part in parts)
        with _Presses(len(parts)) as presses:  # ended before the parts are bound, which takes memory too
            pages = presses.set(place, texts, told)
            numbers = _text("pdf/numbers.html", {"leaves": range(sum(pages))}, title, language)
            presses.set(place / "numbers", [numbers], lambda done: told(len(parts) + done))
        found = binding.bind([place / f"{n}.pdf" for n in range(len(parts))], place / "numbers" / "0.pdf", title=title)
    told(steps)
    return found


def _text(template: str, context: dict[str, Any], title: str, language: str) -> str:
    with translation.override(language):
        return render_to_string(template, {**context, "title": said(title), "provider": provider.shown()})


def _language(context: dict[str, Any]) -> str:
    """The customer's for a paper of theirs, as far as it is known; the reader's for any other."""
    record = context.get("quote") or context.get("agreement") or context.get("contract")
    return spoken.by_customer(record.account) if record else translation.get_language() or settings.LANGUAGE_CODE


class _Kept(threading.local):
    """The press of this thread, and the style that it was made with."""

    press: "Press | None" = None
    style: str = ""


_kept = _Kept()
atexit.register(_kept.__dict__.clear)  # while the renderer can still tidy up after itself


def _press() -> "Press":
    style = STYLE.read_text()
    if _kept.press is None or _kept.style != style:
        from contracts.press import Press  # takes memory that only those who print need

        _kept.press, _kept.style = Press(style, FONTS), style
    return _kept.press


class _Presses:
    """Processes that set the parts of one document, each driven by a thread; they end with it."""

    def __init__(self, parts: int) -> None:
        self._wanted: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[Path, int]] = queue.SimpleQueue()
        self._running = [_start() for _ in range(min(PRESSES, parts))]
        self._threads = [threading.Thread(target=self._feed, args=(press,)) for press in self._running]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for _thread in self._threads:
            self._wanted.put(None)
        for press in self._running:
            press.kill()
        for thread in self._threads:
            thread.join()

    def set(self, place: Path, texts: Iterable[str], told: Callable[[int], None]) -> list[int]:
        """Set the texts as 0.pdf, 1.pdf … in the folder; pages of each. Raises Jammed."""
        place.mkdir(exist_ok=True)
        pages: dict[Path, int] = {}
        for number, text in enumerate(texts):
            target = place / f"{number}.pdf"
            target.with_suffix(".html").write_text(text)
            pages[target] = 0
            self._wanted.put(target)
        for done in range(1, len(pages) + 1):
            target, pages[target] = self._answer()
            told(done)
        return list(pages.values())

    def _answer(self) -> tuple[Path, int]:
        try:
            target, pages = self._answers.get(timeout=PATIENCE)
        except queue.Empty:
            raise Jammed(f"A part of the document was not set within {PATIENCE} seconds.") from None
        if not pages:
            raise Jammed("A part of the document could not be set.")
        return target, pages

    def _feed(self, press: "subprocess.Popen[str]") -> None:
        """Hand one part after another to a press; a press that ended answers with no pages."""
        with press:
            while (target := self._wanted.get()) is not None:
                try:
                    _write(press, {"html": str(target.with_suffix(".html")), "pdf": str(target)})
                    line = press.stdout.readline() if press.stdout else ""
                except OSError:
                    line = ""
                self._answers.put((target, json.loads(line)["pages"] if line else 0))
                if not line:
                    return


def _start() -> "subprocess.Popen[str]":
    order = {"style": STYLE.read_text(), "fonts": str(FONTS)}
    press = subprocess.Popen(
        [sys.executable, "-m", "contracts.press"], cwd=settings.BASE_DIR, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    _write(press, order)
    return press


def _write(press: "subprocess.Popen[str]", order: dict[str, str]) -> None:
    if press.stdin:
        press.stdin.write(json.dumps(order) + "\n")
        press.stdin.flush()

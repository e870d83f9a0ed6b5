"""Collecting what people read: marked texts of templates and code, and the sentences that code makes.

Marked texts (`translate` tags, gettext) are messages of Django's own kind. Sentences of the code are taken from its
syntax: every text that reads like one counts, unless it stands where nobody reads it. The values put into a sentence
become named places, as `kernel.saying` needs them to say the sentence in the reader's language.
"""

import ast
import itertools
import re
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.extract import extract
from django.utils.translation.template import templatize

from config.words import borrowed
from kernel.saying import place_names

ROOT = Path(__file__).resolve().parent.parent.parent
UNREAD = Path(__file__).resolve().parent / "unread.txt"  # texts that look like sentences and that nobody reads
APPS = ("kernel", "catalog", "crm", "cmdb", "contracts", "fulfillment", "orders", "fallout", "portal")
UNREAD_FILES = {"standardclauses.py", "design.py", "countries.py"}  # records in the making
UNREAD_FOLDERS = {"migrations", "management", "api", "rest", "simulator", "tests"}
UNREAD_CALLS = {
    "audit", "cast", "compile", "debug", "error", "exception", "field", "fullmatch", "get_event", "getLogger", "info",
    "match", "RawSQL", "execute", "search", "sub", "warning", "TypeError", "KeyError", "RuntimeError", "AssertionError",
    "CheckConstraint", "UniqueConstraint", "Trigger", "Protect", "ImproperlyConfigured", "TypeVar", "split",
    "mark_safe",
    "getattr", "hasattr", "only", "values_list", "values", "filter", "exclude", "order_by", "select_related",
}  # fmt: skip
UNREAD_NAMES = {"template", "cls", "sql", "format", "related_name", "condition", "url_name", "icon", "part", "css"}
KEYWORDS = {"_": None, "gettext": None, "gettext_lazy": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
SENTENCE = re.compile(r"[^\W\d_]{2,}['’]?[^\W\d_]* [^\W\d_%“(–]|[A-Z][a-z]+(-[a-z]+)*[.…?]?|[a-z]+, [a-z]+")
LOOSE = re.compile(r"(^|[ …]) ?[a-z]+ …|… [a-z]{2,}( |$|[.,:;…])|… a [a-z]+")
MARKUP = re.compile(
    r"</|<[a-z]+[ >]|^[\w-]+(__[\w]+)+$|\bSELECT\b|\bUPDATE\b|\bWHERE\b|\bCASE WHEN\b|\bepoch FROM\b|"
    r"clock_timestamp|[A-Z]{2} [A-Z]\w+\||\\[bdws]"
)


@cache
def marked() -> tuple[tuple[str, str | tuple[str, ...]], ...]:
    """(file, message) of every marked text; a message with a plural is a pair."""
    return tuple(_marked())


def _marked() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.suffix in {".html", ".txt"}:
            source = "\n".join(line.strip() for line in templatize(path.read_text()).splitlines())
            yield from ((str(path.relative_to(ROOT)), message) for message in _calls(source))
    for path in code():
        text = path.read_text()
        if "gettext" in text:
            yield from ((str(path.relative_to(ROOT)), message) for message in _calls(text))


def _calls(source: str) -> Iterator[str | tuple[str, ...]]:
    for _, message, _, _ in extract("python", BytesIO(source.encode()), KEYWORDS, options={"encoding": "utf-8"}):
        if message:
            yield message


def code() -> list[Path]:
    """The files of code whose sentences people read."""
    found = itertools.chain.from_iterable((ROOT / app).rglob("*.py") for app in APPS)
    return sorted(
        path
        for path in found
        if path.name not in UNREAD_FILES and not UNREAD_FOLDERS.intersection(path.relative_to(ROOT).parts)
    )


def sentences() -> Iterator[tuple[str, str]]:
    """(file, sentence) of every sentence that code makes, values as `%(name)s`."""
    for path in code():
        for text in _Reading().of(ast.parse(path.read_text())):
            yield str(path.relative_to(ROOT)), text


class _Reading(ast.NodeVisitor):
    """Walks one file and keeps what reads like a sentence and is shown."""

    def of(self, tree: ast.Module) -> list[str]:
        self.found: list[str] = []
        self.visit(tree)
        return self.found

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        return

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.visit(node.value)

    def visit_Dict(self, node: ast.Dict) -> None:
        for value in node.values:
            self.visit(value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if any("Choices" in ast.unparse(base) for base in node.bases):
            names = (
                part for part in node.body if isinstance(part, ast.Assign) and isinstance(part.value, ast.Constant)
            )
            for part in names:  # Django makes the word that is shown from the name
                self.found.append(ast.unparse(part.targets[0]).replace("_", " ").title())
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if any(ast.unparse(one).startswith("transition(") for one in node.decorator_list):
            first = (ast.get_docstring(node) or "").partition("\n")[0].rstrip(".")
            self.found.append(first)  # what the timeline says of a move
        for part in (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults, *node.body):
            if part is not None:
                self.visit(part)

    def visit_Call(self, node: ast.Call) -> None:
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        self.visit(node.func)
        if ast.unparse(node.func) == "audit.record" and node.args and isinstance(node.args[0], ast.Constant):
            self.found.append(str(node.args[0].value).replace("_", " ").capitalize())  # what the timeline calls it
        if name in UNREAD_CALLS or name in KEYWORDS:
            return
        for part in node.args:
            self.visit(part)
        for word in node.keywords:
            if word.arg not in UNREAD_NAMES:
                self.visit(word.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._keep(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        for text in spellings(node):
            self._keep(text, formatted=True)
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)

    def _keep(self, text: str, *, formatted: bool = False) -> None:
        text = text.strip()
        bare = re.sub(r"%\(\w+\)s", "…", text) if formatted else text
        if (
            (SENTENCE.search(bare) or (formatted and LOOSE.search(bare)))
            and not MARKUP.search(bare)
            and (formatted or " " in bare or SENTENCE.fullmatch(bare))
        ):
            self.found.append(text)


def spellings(node: ast.JoinedStr) -> list[str]:
    """The ways in which a text with values can come out: a value that is one of two words is spelt out."""
    names = place_names()
    parts: list[list[str]] = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append([str(part.value).replace("%", "%%")])
        elif isinstance(part, ast.FormattedValue):
            parts.append(_choices(part.value) or [f"%({names(_name(part.value))})s"])
    return ["".join(choice) for choice in itertools.islice(itertools.product(*parts), 16)]


def _choices(value: ast.expr) -> list[str]:
    if isinstance(value, ast.IfExp):
        ends = (value.body, value.orelse)
        if all(isinstance(end, ast.Constant) and isinstance(end.value, str) for end in ends):
            return [str(end.value).replace("%", "%%") for end in ends if isinstance(end, ast.Constant)]
    return []


def _name(value: ast.expr) -> str:
    if isinstance(value, ast.Name):
        return value.id
    if isinstance(value, ast.Attribute):
        return value.attr
    if isinstance(value, ast.Call):
        return _name(value.func)
    if isinstance(value, ast.Subscript):
        inner = value.slice
        return (
            str(inner.value) if isinstance(inner, ast.Constant) and isinstance(inner.value, str) else _name(value.value)
        )
    return "value"


def of(domain: str) -> list[tuple[str, str | tuple[str, ...]]]:
    """What belongs into a catalogue: marked texts in `django`, sentences and names of the code in `sentences`."""
    if domain == "djangojs":
        return list(borrowed.scripts())
    ours = {message if isinstance(message, str) else message[0] for _, message in marked()}
    borrowed_texts = [(place, text) for place, text in borrowed.theme() if text not in ours]
    if domain == "django":
        return [*marked(), *borrowed_texts]
    known = ours.union(text for _, text in borrowed_texts)
    unread = set(UNREAD.read_text().splitlines())
    made = [(place, text) for place, text in sentences() if text not in known and text not in unread]
    known.update(text for _, text in made)
    return [*made, *((whose, name) for whose, name in borrowed.names() if not known.intersection(_capitals(name)))]


def _capitals(name: str) -> set[str]:
    """The ways in which `kernel.saying` looks a name up."""
    return {name, name[:1].upper() + name[1:], name.capitalize()}
